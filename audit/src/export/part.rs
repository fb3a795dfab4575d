//! A file of an export while it is written: it has its name only when it is whole.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use event_store::Position;
use sha2::{Digest, Sha256};
use zstd::stream::write::Encoder;

use super::chunk::Chunk;
use crate::manifest::{FileOf, hex, sync_folder};

/// Chosen for speed: higher levels save a few per cent of the bytes at several times the cost.
pub(super) const LEVEL: i32 = 1;

/// A file that is being written.
pub(super) struct Part {
    folder: PathBuf,
    of: FileOf,
    encoder: Encoder<'static, Hashed<File>>,
}

/// What goes through is hashed and counted.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Part {
    /// Begins the file of these positions in `folder`; one that was begun before is begun anew.
    pub(super) fn begin(folder: &Path, first: Position, last: Position) -> io::Result<Self> {
        let of = FileOf {
            name: format!("events-{first:012}-{last:012}.ndjson.zst"),
            first,
            last,
            events: 0,
            bytes: 0,
            sha256: String::new(),
        };
        let hashed = Hashed {
            inner: File::create(part_of(folder, &of.name))?,
            hash: Sha256::new(),
            bytes: 0,
        };
        Ok(Self {
            folder: folder.to_owned(),
            of,
            encoder: Encoder::new(hashed, LEVEL)?,
        })
    }

    /// The last position of its range.
    pub(super) fn last(&self) -> Position {
        self.of.last
    }

    /// Adds lines.
    pub(super) fn write(&mut self, chunk: &Chunk) -> io::Result<()> {
        self.of.events += chunk.events;
        self.encoder.write_all(&chunk.lines)
    }

    /// Gives it its name, when all of it is on the disk.
    pub(super) fn finish(mut self) -> io::Result<FileOf> {
        let Hashed { inner, hash, bytes } = self.encoder.finish()?;
        inner.sync_all()?;
        let part = part_of(&self.folder, &self.of.name);
        fs::rename(part, self.folder.join(&self.of.name))?;
        sync_folder(&self.folder)?;
        (self.of.bytes, self.of.sha256) = (bytes, hex(&hash.finalize()));
        Ok(self.of)
    }
}

fn part_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.part"))
}

/// Whether the file is in `folder` as the manifest has it, to the byte.
pub(super) fn is_whole(folder: &Path, of: &FileOf) -> io::Result<bool> {
    let file = match File::open(folder.join(&of.name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() != of.bytes {
        return Ok(false);
    }
    let (mut reader, mut hash) = (BufReader::new(file), Sha256::new());
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize()) == of.sha256),
            read => hash.update(&buffer[..read]),
        }
    }
}
