//! What is there and what is missing, partition by partition.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use event_store::Position;

use super::consume::{Met, What};
use super::extent::Extent;
use super::places::{Place, Places};
use super::report::{Finding, InKafka, Partition};
use super::window::{Entry, Window};

/// So many stretches of missing events of one partition are remembered, for the case that one comes
/// later yet. More of them are counted.
const REMEMBERED: usize = 100_000;

/// Events of one partition that follow each other there, and are missing.
#[derive(Debug)]
struct Gap {
    last: Position,
    events: u64,
    lost: bool,
}

/// Events of one partition that follow each other there, and were missing in their window.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) place: Place,
    pub(super) from: Position,
    pub(super) to: Position,
    pub(super) events: u64,
    /// Those that came later.
    pub(super) came: BTreeSet<Position>,
}

/// What is known of one partition.
#[derive(Debug, Default)]
struct Tally {
    row: Partition,
    extent: Option<Extent>,
    /// The event of the first message that is one.
    first: Option<Position>,
    /// The highest position that was met.
    highest: Position,
    /// What is missing, by its first position.
    gaps: BTreeMap<Position, Gap>,
    /// What came after all.
    came: BTreeSet<Position>,
    /// The gap that the last event is in.
    open: Option<Position>,
    /// The offset of the last event, in the order of positions, that is there.
    offset: Option<i64>,
}

/// An event that may be late, once it is known from where on the topic has all.
#[derive(Debug)]
struct Late {
    place: usize,
    position: Position,
    offset: i64,
    after: Position,
}

/// All partitions.
#[derive(Debug)]
pub(super) struct Ledger {
    places: Places,
    tallies: Vec<Tally>,
    /// The positions that are asked for.
    from: Position,
    to: Position,
    relayed: Position,
    /// Events whose messages came before their window.
    ahead: HashMap<Position, Entry>,
    late: Vec<Late>,
    pub(super) findings: Vec<Finding>,
}

impl Ledger {
    pub(super) fn new(
        places: &Places,
        extents: &[Option<Extent>],
        (from, to): (Position, Position),
        relayed: Position,
    ) -> Self {
        let tallies = places
            .all()
            .iter()
            .zip(extents)
            .map(|(place, extent)| Tally {
                row: Partition {
                    topic: place.topic.clone(),
                    partition: place.partition,
                    low: extent.map(|extent| extent.low),
                    high: extent.map(|extent| extent.high),
                    ..Partition::default()
                },
                extent: *extent,
                ..Tally::default()
            });
        Self {
            tallies: tallies.collect(),
            places: places.clone(),
            from,
            to,
            relayed,
            ahead: HashMap::new(),
            late: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Puts what came before its window into it.
    pub(super) fn begin(&mut self, window: &mut Window) {
        if self.ahead.is_empty() {
            return;
        }
        for (position, entry) in (window.first..).zip(&mut window.entries) {
            if let Some(met) = self.ahead.remove(&position) {
                (entry.offset, entry.copies, entry.altered) = (met.offset, met.copies, met.altered);
            }
        }
    }

    /// The positions of `met` that have to be looked up in the log: neither in `window` nor known.
    pub(super) fn unknown(&self, window: &Window, met: &[Met]) -> Vec<Position> {
        let mut all: Vec<Position> = met
            .iter()
            .filter_map(|met| match met.what {
                What::Event { position, .. } => Some(position),
                What::Foreign(_) => None,
            })
            .filter(|position| (self.from..=self.to).contains(position))
            .filter(|position| *position < window.first || *position > window.last())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Takes a message down; `others` are the events outside of `window` that were looked up.
    pub(super) fn meet(
        &mut self,
        window: &mut Window,
        others: &HashMap<Position, Entry>,
        met: &Met,
    ) {
        let (position, event_id, print) = match &met.what {
            What::Foreign(why) => return self.unexplained(met, why.clone()),
            What::Event {
                position,
                event_id,
                print,
            } => (*position, *event_id, print),
        };
        if position < self.from {
            return;
        }
        if position > self.to {
            self.tallies[met.place].first.get_or_insert(position);
            return;
        }
        let is_in_window = window.at(position).is_some();
        let last = window.last();
        let event = match window.at(position) {
            Some(entry) => Some(&*entry),
            None => others.get(&position),
        };
        let Some(event) = event.cloned() else {
            return self.unexplained(met, format!("the log has no position {position}"));
        };
        if event.event_id != event_id {
            let why = format!(
                "it says it is event {event_id} at position {position}, which is {}",
                event.event_id
            );
            return self.unexplained(met, why);
        }
        if event.place != met.place {
            let belongs = &self.places.all()[event.place];
            return self.unexplained(met, format!("position {position} belongs to {belongs}"));
        }
        let tally = &mut self.tallies[met.place];
        tally.row.messages += 1;
        let parts = event.print.differs(print);
        let altered = !parts.is_empty();
        if altered {
            tally.row.altered += 1;
            self.findings.push(Finding::Altered {
                position,
                topic: tally.row.topic.clone(),
                partition: tally.row.partition,
                offset: met.offset,
                parts,
            });
        }
        let is_first = if is_in_window {
            window
                .at(position)
                .is_some_and(|entry| entry.meet(met.offset, altered))
        } else if position > last {
            let entry = self.ahead.entry(position).or_insert(event);
            entry.meet(met.offset, altered)
        } else {
            tally.comes_after_all(position)
        };
        if !is_first {
            tally.row.duplicated += 1;
        } else if position < tally.highest {
            self.late.push(Late {
                place: met.place,
                position,
                offset: met.offset,
                after: tally.highest,
            });
        }
        tally.first.get_or_insert(position);
        tally.highest = tally.highest.max(position);
    }

    fn unexplained(&mut self, met: &Met, why: String) {
        let row = &mut self.tallies[met.place].row;
        row.messages += 1;
        row.unexplained += 1;
        self.findings.push(Finding::Unexplained {
            topic: row.topic.clone(),
            partition: row.partition,
            offset: met.offset,
            why,
        });
    }

    /// What became of each event of `window`, whose partitions have passed it.
    pub(super) fn verdicts(&self, window: &Window) -> Vec<InKafka> {
        let begins: Vec<Position> = (0..self.tallies.len())
            .map(|one| self.begins(one))
            .collect();
        let verdict = |(position, entry): (Position, &Entry)| match entry.offset {
            Some(_) if entry.altered => InKafka::Altered,
            Some(_) => InKafka::There,
            None if position > self.relayed => InKafka::NotYetRelayed,
            None if position < begins[entry.place] => InKafka::Expired,
            None => InKafka::Lost,
        };
        window.positions().map(verdict).collect()
    }

    /// From which position on a partition should have everything: what came before has expired, or
    /// went with a topic that was deleted.
    fn begins(&self, place: usize) -> Position {
        let tally = &self.tallies[place];
        match tally.extent {
            None => Position::MAX,
            // It was read from the middle: there is more before.
            Some(extent) if extent.start > extent.low => 0,
            Some(extent) if extent.low > 0 => tally.first.unwrap_or(Position::MAX),
            // Nothing of it was deleted. A topic that has an earlier event, in any such partition,
            // was there when this one was sent.
            Some(_) => self.topic_begins(&tally.row.topic),
        }
    }

    fn topic_begins(&self, topic: &str) -> Position {
        let of_topic = self.tallies.iter().filter(|one| one.row.topic == topic);
        let firsts = of_topic.filter_map(|one| match one.extent? {
            extent if extent.start > extent.low => Some(0),
            extent if extent.low == 0 => one.first,
            _ => None,
        });
        firsts.min().unwrap_or(Position::MAX)
    }

    /// Takes for expired what retention may have taken while it was read: `lows` are the first
    /// offsets of partitions as they are now.
    pub(super) fn taken_meanwhile(
        &self,
        window: &Window,
        verdicts: &mut [InKafka],
        lows: &HashMap<usize, i64>,
    ) {
        let mut offsets: Vec<Option<i64>> = self.tallies.iter().map(|one| one.offset).collect();
        for (entry, verdict) in window.entries.iter().zip(verdicts) {
            let place = entry.place;
            match (entry.offset, self.tallies[place].extent) {
                (Some(offset), _) => offsets[place] = Some(offset),
                (None, Some(extent)) if *verdict == InKafka::Lost => {
                    let next = offsets[place].map_or(extent.start, |offset| offset + 1);
                    let low = lows.get(&place).copied().unwrap_or(extent.low);
                    if low > extent.low && low > next {
                        *verdict = InKafka::Expired;
                    }
                }
                _ => {}
            }
        }
    }

    /// Counts the events of `window`.
    pub(super) fn close(&mut self, window: &Window, verdicts: &[InKafka]) {
        for ((position, entry), verdict) in window.positions().zip(verdicts) {
            let tally = &mut self.tallies[entry.place];
            tally.row.events += 1;
            match verdict {
                InKafka::There | InKafka::Altered => {
                    tally.row.found += 1;
                    tally.open = None;
                    tally.offset = entry.offset;
                }
                InKafka::NotYetRelayed => tally.row.not_yet_relayed += 1,
                InKafka::Lost => tally.misses(position, true),
                InKafka::Expired => tally.misses(position, false),
            }
        }
        for late in std::mem::take(&mut self.late) {
            // What came before the partition begins may have come in time once.
            if late.position < self.begins(late.place) {
                continue;
            }
            let row = &mut self.tallies[late.place].row;
            row.late += 1;
            self.findings.push(Finding::Late {
                position: late.position,
                topic: row.topic.clone(),
                partition: row.partition,
                offset: late.offset,
                after: late.after,
            });
        }
    }

    /// What was missing and is not expired, and the partitions in numbers.
    pub(super) fn finish(self) -> (Vec<Missing>, Vec<Partition>) {
        let mut missing = Vec::new();
        for (tally, place) in self.tallies.iter().zip(self.places.all()) {
            let lost = tally.gaps.iter().filter(|(_, gap)| gap.lost);
            missing.extend(lost.map(|(from, gap)| Missing {
                place: place.clone(),
                from: *from,
                to: gap.last,
                events: gap.events,
                came: tally.came.range(from..=&gap.last).copied().collect(),
            }));
        }
        let rows = self.tallies.into_iter().map(|tally| tally.row);
        (missing, rows.collect())
    }
}

impl Entry {
    /// A message of it was met; whether it is the first.
    fn meet(&mut self, offset: i64, altered: bool) -> bool {
        self.copies += 1;
        self.altered |= altered;
        let is_first = self.offset.is_none();
        self.offset.get_or_insert(offset);
        is_first
    }
}

impl Tally {
    /// The event at `position` is missing.
    fn misses(&mut self, position: Position, lost: bool) {
        match lost {
            true => self.row.lost += 1,
            false => self.row.expired += 1,
        }
        if let Some(from) = self.open
            && let Some(gap) = self.gaps.get_mut(&from)
            && gap.lost == lost
        {
            gap.last = position;
            gap.events += 1;
            return;
        }
        self.open = Some(position);
        if self.gaps.len() < REMEMBERED {
            let (last, events) = (position, 1);
            self.gaps.insert(position, Gap { last, events, lost });
        }
    }

    /// Whether the event at `position`, whose window is closed, was missing, and is no more.
    fn comes_after_all(&mut self, position: Position) -> bool {
        let Some((_, gap)) = self.gaps.range(..=position).next_back() else {
            return false;
        };
        if gap.last < position || !self.came.insert(position) {
            return false;
        }
        match gap.lost {
            true => self.row.lost -= 1,
            false => self.row.expired -= 1,
        }
        self.row.found += 1;
        true
    }
}
