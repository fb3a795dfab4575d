//! The tree as text, with lines that show what belongs to what.

use std::fmt::{self, Write};

use super::tree::{Append, Causes, Event, Reaction};
use super::words::MORE;

/// Writes the tree.
///
/// # Errors
/// When `out` can't be written to.
pub fn write(causes: &Causes, out: &mut impl Write) -> fmt::Result {
    let (request, who) = causes.origin.words();
    writeln!(out, "{request}")?;
    writeln!(out, "│  {who}")?;
    events(&[&causes.happened], "", out)
}

/// What stands under one line.
enum Under<'a> {
    Event(&'a Append, &'a Event),
    Reaction(&'a Reaction),
    More,
}

fn events(appends: &[&Append], before: &str, out: &mut impl Write) -> fmt::Result {
    let events = appends.iter().flat_map(|append| {
        append
            .events
            .iter()
            .map(|event| Under::Event(append, event))
    });
    branch(&events.collect::<Vec<_>>(), before, out)
}

fn branch(all: &[Under<'_>], before: &str, out: &mut impl Write) -> fmt::Result {
    for (index, under) in all.iter().enumerate() {
        let (elbow, stem) = match index + 1 == all.len() {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        let stem = format!("{before}{stem}");
        write!(out, "{before}{elbow}")?;
        match under {
            Under::More => writeln!(out, "… {MORE}")?,
            Under::Reaction(reaction) => {
                let (who, came) = reaction.words();
                writeln!(out, "{who}: {came}")?;
                events(&reaction.led_to.iter().collect::<Vec<_>>(), &stem, out)?;
            }
            Under::Event(append, event) => {
                let (what, whose) = event.words();
                let asked = if event.asked { "  ◀ asked for" } else { "" };
                writeln!(out, "{what}  {}  {whose}{asked}", append.words())?;
                let more = event.more.then_some(Under::More);
                let followed = event.followed.iter().map(Under::Reaction);
                branch(&followed.chain(more).collect::<Vec<_>>(), &stem, out)?;
            }
        }
    }
    Ok(())
}
