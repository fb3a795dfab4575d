//! The pass over the log, window by window.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use event_store::{Position, pick};
use tokio::sync::mpsc::Sender;

use super::consume::Known;
use super::kafka::Reading;
use super::ledger::Ledger;
use super::report::{Finding, InKafka, Line, Summary, Told};
use super::window::{Entry, Form, Window, Windows};
use super::{Error, Reconciliation, lost};

/// What is looked at of Kafka, and what was found there.
struct Beside {
    reading: Reading,
    ledger: Ledger,
}

/// Whom is told, and how much was wrong.
struct Telling {
    to: Sender<Told>,
    findings: u64,
}

impl Telling {
    async fn tell(&mut self, told: Told) -> Result<(), Error> {
        self.to.send(told).await.map_err(|_| Error::Gone)
    }

    async fn find(&mut self, findings: Vec<Finding>) -> Result<(), Error> {
        for finding in findings {
            self.findings += 1;
            self.tell(Told::Finding(finding)).await?;
        }
        Ok(())
    }
}

impl Reconciliation {
    /// Looks at everything, and tells what is found as it is found; what is lost, at the end. It
    /// ends when nobody listens.
    ///
    /// # Errors
    /// See [`Error`]; what is wrong with the system is no error.
    pub async fn run(self, tell: Sender<Told>) -> Result<Summary, Error> {
        let Self {
            sources,
            asked,
            form,
            range: (from, to),
            head,
            relayed,
            kafka,
            mut followers,
            beyond,
        } = self;
        let mut telling = Telling {
            to: tell,
            findings: 0,
        };
        telling.find(beyond).await?;
        let known = Known {
            epoch: form.epoch,
            head,
            printer: form.printer.clone(),
        };
        let mut beside = kafka.map(|kafka| Beside {
            ledger: Ledger::new(&form.places, &kafka.extents, (from, to), relayed),
            reading: kafka.read(known),
        });
        let mut windows = Windows::new(&sources.log, (from, to), asked.window);
        let mut position = from - 1;
        loop {
            let mut window = windows.next(&form).await?;
            let verdicts = match &mut beside {
                Some(beside) => Some(
                    beside
                        .look(&sources.log, &form, &mut window, &mut telling)
                        .await?,
                ),
                None => None,
            };
            followers.count(&window).await?;
            if asked.all {
                for (index, (position, entry)) in window.positions().enumerate() {
                    let kafka = verdicts.as_ref().map(|all| all[index]);
                    let mut line = line(&form, position, entry, kafka);
                    followers.tell(entry, &mut line);
                    telling.tell(Told::Position(line)).await?;
                }
            }
            position = position.max(window.last());
            telling.tell(Told::Progress { position, to }).await?;
            if position >= to {
                break;
            }
        }
        let kafka = match beside {
            Some(Beside { ledger, reading }) => {
                drop(reading);
                let (missing, rows) = ledger.finish();
                for one in &missing {
                    telling.find(lost::of(&sources.log, one).await?).await?;
                }
                Some(rows)
            }
            None => None,
        };
        let (projections, policies) = followers.finish().await?;
        Ok(Summary {
            epoch: form.epoch,
            from,
            to,
            head,
            relayed,
            kafka,
            projections,
            policies,
            findings: telling.findings,
        })
    }
}

impl Beside {
    /// Has the partitions pass `window`, and gives what became of each of its events.
    async fn look(
        &mut self,
        log: &sqlx::PgPool,
        form: &Form,
        window: &mut Window,
        telling: &mut Telling,
    ) -> Result<Vec<InKafka>, Error> {
        let Self { reading, ledger } = self;
        ledger.begin(window);
        reading.pass(window.last()).await?;
        while let Some(met) = reading.next().await? {
            let others = others(log, form, &ledger.unknown(window, &met)).await?;
            for one in &met {
                ledger.meet(window, &others, one);
            }
            telling.find(std::mem::take(&mut ledger.findings)).await?;
        }
        let mut verdicts = ledger.verdicts(window);
        let lost = window.entries.iter().zip(&verdicts);
        let lost = lost.filter(|(_, verdict)| **verdict == InKafka::Lost);
        let lost: BTreeSet<usize> = lost.map(|(entry, _)| entry.place).collect();
        if !lost.is_empty() {
            let lows = reading.lows(lost.into_iter().collect()).await?;
            ledger.taken_meanwhile(window, &mut verdicts, &lows);
        }
        ledger.close(window, &verdicts);
        telling.find(std::mem::take(&mut ledger.findings)).await?;
        Ok(verdicts)
    }
}

/// The events at `positions`.
async fn others(
    log: &sqlx::PgPool,
    form: &Form,
    positions: &[Position],
) -> Result<HashMap<Position, Entry>, Error> {
    if positions.is_empty() {
        return Ok(HashMap::new());
    }
    let events = pick::at(log, positions).await?;
    let entry = |event: &event_store::RecordedEvent| {
        let position = event.position;
        Ok((position, form.entry(event)?))
    };
    events.iter().map(entry).collect()
}

fn line(form: &Form, position: Position, entry: &Entry, kafka: Option<InKafka>) -> Line {
    let place = &form.places.all()[entry.place];
    Line {
        position,
        topic: place.topic.clone(),
        partition: place.partition,
        offset: entry.offset,
        copies: entry.copies,
        kafka,
        projections: BTreeMap::new(),
        policies: BTreeMap::new(),
    }
}
