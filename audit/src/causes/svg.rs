//! The tree as a picture, from left to right. It is styled by attributes alone, so that it also
//! shows where a page may load no style.

use std::fmt::Write;

use super::tree::{Append, Causes, Event, Reaction};
use super::words::MORE;

const WIDTH: usize = 300;
const GAP: usize = 56;
const BETWEEN: usize = 14;
const MARGIN: usize = 20;
const LINE: usize = 16;
const PADDING: usize = 8;
/// How many characters fit into a line of a box.
const FITS: usize = 37;

/// The picture, as a whole SVG document.
pub fn draw(causes: &Causes) -> String {
    let mut picture = Picture::default();
    let (request, who) = causes.origin.words();
    let left = MARGIN + WIDTH + GAP;
    let origin = [Line::strong(request), Line::plain(who)];
    let height = picture.rectangle(MARGIN, MARGIN, &origin, ORIGIN);
    let below = picture.append(&causes.happened, left, MARGIN);
    picture.edge(
        (MARGIN + WIDTH, MARGIN + height / 2),
        (left, MARGIN + height / 2),
    );
    picture.document(below.max(MARGIN + height) + MARGIN)
}

/// The colours of a box: inside, and around.
type Colours = (&'static str, &'static str);
const ORIGIN: Colours = ("#e8eefc", "#3b5bbf");
const EVENTS: Colours = ("#ffffff", "#5f6b7a");
const REACTION: Colours = ("#fdf3e1", "#b7791f");

/// One line of a box.
struct Line {
    text: String,
    strong: bool,
    marked: bool,
}

impl Line {
    fn strong(text: String) -> Self {
        Self {
            strong: true,
            ..Self::plain(text)
        }
    }

    fn plain(text: String) -> Self {
        Self {
            text,
            strong: false,
            marked: false,
        }
    }
}

#[derive(Default)]
struct Picture {
    edges: String,
    boxes: String,
    right: usize,
}

impl Picture {
    /// Draws what was stored at once and everything that followed; gives where it ends below.
    fn append(&mut self, append: &Append, x: usize, y: usize) -> usize {
        let mut lines = vec![Line::plain(append.words())];
        for event in &append.events {
            let (what, whose) = event.words();
            let marked = event.asked;
            let (what, whose) = (Line::strong(what), Line::plain(whose));
            lines.extend([Line { marked, ..what }, Line { marked, ..whose }]);
        }
        let height = self.rectangle(x, y, &lines, EVENTS);
        let mut below = y;
        for (index, event) in append.events.iter().enumerate() {
            let line = y + PADDING + LINE * (2 * index + 2);
            below = self.followed(event, (x + WIDTH, line), below);
        }
        below.max(y + height + BETWEEN)
    }

    /// Draws what followed from an event, from its line on the right on.
    fn followed(&mut self, event: &Event, from: (usize, usize), mut y: usize) -> usize {
        let x = from.0 + GAP;
        for reaction in &event.followed {
            self.edge(from, (x, y + PADDING + LINE));
            y = self.reaction(reaction, x, y);
        }
        if event.more {
            self.edge(from, (x, y + PADDING + LINE / 2));
            y += self.rectangle(x, y, &[Line::plain(MORE.to_owned())], REACTION) + BETWEEN;
        }
        y
    }

    fn reaction(&mut self, reaction: &Reaction, x: usize, y: usize) -> usize {
        let (who, came) = reaction.words();
        let lines = [Line::strong(who), Line::plain(came)];
        let height = self.rectangle(x, y, &lines, REACTION);
        let mut below = y;
        for append in &reaction.led_to {
            let next = x + WIDTH + GAP;
            self.edge((x + WIDTH, y + height / 2), (next, below + PADDING + LINE));
            below = self.append(append, next, below);
        }
        below.max(y + height + BETWEEN)
    }

    /// A box with these lines; gives its height.
    fn rectangle(&mut self, x: usize, y: usize, lines: &[Line], colours: Colours) -> usize {
        let height = 2 * PADDING + LINE * lines.len();
        let (fill, stroke) = colours;
        self.right = self.right.max(x + WIDTH);
        put(
            &mut self.boxes,
            format_args!(
                r#"<rect x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="6" fill="{fill}" stroke="{stroke}"/>"#
            ),
        );
        for (index, line) in lines.iter().enumerate() {
            let top = y + PADDING + LINE * index;
            if line.marked {
                let (x, width) = (x + 1, WIDTH - 2);
                put(
                    &mut self.boxes,
                    format_args!(
                        r##"<rect x="{x}" y="{top}" width="{width}" height="{LINE}" fill="#fff3a3"/>"##
                    ),
                );
            }
            let weight = if line.strong { "600" } else { "400" };
            let (full, short) = (escaped(&line.text), escaped(&shortened(&line.text)));
            let (x, y) = (x + PADDING, top + 12);
            put(
                &mut self.boxes,
                format_args!(
                    r#"<text x="{x}" y="{y}" font-weight="{weight}"><title>{full}</title>{short}</text>"#
                ),
            );
        }
        height
    }

    fn edge(&mut self, from: (usize, usize), to: (usize, usize)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let middle = x1.midpoint(x2);
        put(
            &mut self.edges,
            format_args!(
                r##"<path d="M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}" fill="none" stroke="#8a94a3"/>"##
            ),
        );
    }

    fn document(self, height: usize) -> String {
        let width = self.right + MARGIN;
        let (edges, boxes) = (self.edges, self.boxes);
        format!(
            r##"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="11" fill="#1d2733">
<rect width="{width}" height="{height}" fill="#fbfcfe"/>
{edges}{boxes}</svg>
"##
        )
    }
}

fn put(out: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _written = writeln!(out, "{element}");
}

/// The text as far as it fits; the middle is left out, since ids differ at their ends.
fn shortened(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= FITS {
        return text.to_owned();
    }
    let end = characters.len() - FITS / 2;
    let (head, tail) = (&characters[..FITS - FITS / 2 - 1], &characters[end..]);
    head.iter().chain(['…'].iter()).chain(tail).collect()
}

/// The text as XML has it; what XML can't have is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
