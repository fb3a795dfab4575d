//! The lines of a file of an export, and whether its bytes are those that the manifest names.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use zstd::stream::read::Decoder;

use crate::manifest::{FileOf, hex};

/// The longest line, in bytes: some hundred times the longest event there can be.
const LONGEST: u64 = 64 << 20;

/// The lines of a file, one after the other.
pub(super) struct Lines {
    reader: BufReader<Decoder<'static, BufReader<Hashed>>>,
    line: Vec<u8>,
    /// The number of the line that was given last, from 1.
    pub(super) number: u64,
}

/// What is read of it is hashed and counted.
struct Hashed {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

impl Lines {
    pub(super) fn open(folder: &Path, of: &FileOf) -> io::Result<Self> {
        let file = File::open(folder.join(&of.name))?;
        let hashed = Hashed {
            file,
            hash: Sha256::new(),
            bytes: 0,
        };
        Ok(Self {
            reader: BufReader::with_capacity(128 * 1024, Decoder::new(hashed)?),
            line: Vec::new(),
            number: 0,
        })
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let mut reader = (&mut self.reader).take(LONGEST);
        if reader.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() as u64 == LONGEST {
            return Err(io::Error::other("a line is longer than 64 MiB"));
        }
        Ok(Some(&self.line))
    }

    /// After the last line: whether the file is as the manifest has it, to the byte.
    pub(super) fn matches(self, of: &FileOf) -> io::Result<bool> {
        let mut compressed = self.reader.into_inner().finish();
        io::copy(&mut compressed, &mut io::sink())?;
        let Hashed { hash, bytes, .. } = compressed.into_inner();
        Ok(bytes == of.bytes && hex(&hash.finalize()) == of.sha256)
    }
}
