//! Where people read: a terminal, in colours and through a pager, or anything else as it is.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// What is printed to.
pub(super) struct Screen {
    out: Box<dyn Write + Send>,
    pager: Option<Child>,
    coloured: bool,
    /// Whether the reader has gone, as `head` and pagers do.
    pub(super) left: bool,
}

/// How a cell looks on a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Look {
    Plain,
    Faint,
    Event,
}

impl Screen {
    /// The output; through `$PAGER` when that is set, the output is a terminal, and `paged`.
    ///
    /// # Errors
    /// When the pager can't be started.
    pub(super) fn open(paged: bool) -> anyhow::Result<Self> {
        let is_terminal = io::stdout().is_terminal();
        // As https://no-color.org has it: any value but an empty one.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let pager = std::env::var("PAGER").unwrap_or_default();
        let mut screen = Self {
            out: Box::new(io::BufWriter::new(io::stdout())),
            pager: None,
            coloured: is_terminal && !plain,
            left: false,
        };
        if is_terminal && paged && !pager.trim().is_empty() {
            let mut command = Command::new("sh");
            command.args(["-c", &pager]).stdin(Stdio::piped());
            if std::env::var_os("LESS").is_none() {
                // Ends by itself when all of it fits, takes colours, and does not fold long lines.
                command.env("LESS", "FRSX");
            }
            let mut child = command.spawn().with_context(|| format!("PAGER={pager}"))?;
            let stdin = child.stdin.take().context("the pager takes no input")?;
            screen.out = Box::new(io::BufWriter::new(stdin));
            screen.pager = Some(child);
        }
        Ok(screen)
    }

    /// Prints a line.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        let written = writeln!(self.out, "{line}");
        self.heed(written)
    }

    /// Prints lines of cells, each column as wide as its widest cell.
    pub(super) fn rows<const N: usize>(
        &mut self,
        looks: [Look; N],
        rows: &[[String; N]],
    ) -> io::Result<()> {
        let mut widths = [0; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in rows {
            let mut line = String::new();
            for ((cell, look), width) in row.iter().zip(looks).zip(widths) {
                // What others chose to be called does not steer the terminal.
                let text: String = cell.replace(char::is_control, " ");
                let padding = " ".repeat(width.saturating_sub(text.chars().count()));
                line.push_str(&self.painted(&text, look));
                line.push_str(&padding);
                line.push_str("  ");
            }
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    fn painted(&self, text: &str, look: Look) -> String {
        let code = match look {
            Look::Faint => "2",
            Look::Event => "36",
            Look::Plain => return text.to_owned(),
        };
        match self.coloured && !text.is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// Hands over what was printed so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.heed(flushed)
    }

    /// Lets the reader read on until the end.
    pub(super) fn close(mut self) -> io::Result<()> {
        self.flush()?;
        drop(self.out);
        if let Some(mut pager) = self.pager {
            pager.wait()?;
        }
        Ok(())
    }

    fn heed(&mut self, written: io::Result<()>) -> io::Result<()> {
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.left = true;
                Ok(())
            }
            written => written,
        }
    }
}
