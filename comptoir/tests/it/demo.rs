//! The demo: what is stored in the end is what the input gives, whatever was killed meanwhile.

use std::collections::{BTreeMap, HashMap};

use comptoir::contexts::Contexts;
use comptoir::demo::outcome::Outcome;
use comptoir::demo::plan::{Plan, Verb};
use comptoir::demo::{self, Report, rows};
use domain::hotels::inventory::inventory_id;
use event_store::{RecordedEvent, read};
use projections::hotels::nights::{Nights, Row};
use projections::runtime::fold_events;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{ADMIN_EMAIL, ADMIN_PASSWORD, System};

/// Enough for every kind of refusal.
pub const ROWS: usize = 1_200;

pub fn plan() -> Plan {
    let mut rows = rows::published().unwrap();
    rows.truncate(ROWS);
    Plan::of(rows).unwrap()
}

/// What is stored, less what differs from run to run: ids become the number of their first
/// appearance, and the time of recording is left out.
pub fn without_ids(events: &[RecordedEvent]) -> Vec<Value> {
    let mut names: HashMap<String, usize> = HashMap::new();
    let hotels = events.iter().filter(|event| event.context() == "hotels");
    hotels
        .map(|event| {
            let data: Value = serde_json::from_str(&event.payload).unwrap();
            serde_json::json!({
                "stream": renamed(event.aggregate_id.to_string().into(), &mut names),
                "sequence": event.sequence,
                "occurred_at": event.occurred_at,
                "data": renamed(data, &mut names),
            })
        })
        .collect()
}

fn renamed(value: Value, names: &mut HashMap<String, usize>) -> Value {
    match value {
        Value::String(text) if Uuid::try_parse(&text).is_ok() => {
            let next = names.len();
            (*names.entry(text).or_insert(next)).into()
        }
        Value::Object(members) => {
            let renamed = members
                .into_iter()
                .map(|(key, value)| (key, renamed(value, names)));
            renamed.collect()
        }
        other => other,
    }
}

/// Nights from the events alone, from the read tables, and from the input are the same; positions
/// have no hole.
pub async fn check_nights(log: &PgPool, tables: &PgPool, plan: &Plan, hotel: Uuid) {
    let events = read::after(log, 0, 1_000_000).await.unwrap();
    assert!(
        events
            .iter()
            .map(|event| event.position)
            .eq(1..=events.len() as i64)
    );
    let inventories: HashMap<Uuid, String> = plan
        .hotel
        .room_types
        .iter()
        .map(|offered| (inventory_id(hotel, &offered.code), offered.code.clone()))
        .collect();
    let by_type = |nights: Vec<Row>| {
        let mut reserved: BTreeMap<String, BTreeMap<_, u32>> = BTreeMap::new();
        for night in nights {
            let code = inventories[&night.inventory_id].clone();
            reserved
                .entry(code)
                .or_default()
                .insert(night.night, night.reserved);
        }
        reserved
    };
    let mut reckoned = plan.reckon().reserved;
    reckoned.retain(|_, nights| !nights.is_empty());
    let from_events = by_type(fold_events::<Nights>(&events).unwrap());
    assert_eq!(from_events, reckoned, "the events and the input");
    let sql = "SELECT to_jsonb(nights)::text FROM nights";
    let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(tables).await.unwrap();
    let rows = rows
        .iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    assert_eq!(by_type(rows), reckoned, "the read tables and the input");
}

/// Plays on `system` in this process.
pub async fn play(system: &System, plan: &Plan) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let options = demo::Options {
        url: format!("http://{}", system.address),
        email: ADMIN_EMAIL.to_owned(),
        password: ADMIN_PASSWORD.to_owned(),
        progress: folder.path().join("demo.ndjson"),
        rows: None,
    };
    let report = demo::play_plan(plan, &options).await.unwrap();
    // A second start finds that it was played, and tells the same.
    let again = demo::play_plan(plan, &options).await.unwrap();
    assert_eq!(again.tallies, report.tallies);
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_is_what_the_input_gives() {
    let system = System::start(Contexts::all()).await;
    let plan = plan();
    let report = play(&system, &plan).await;
    let reckoned = plan.reckon().outcomes;
    for verb in Verb::ALL {
        for outcome in &reckoned {
            let wanted = plan.steps.iter().zip(&reckoned);
            let wanted = wanted.filter(|(step, became)| step.verb == verb && *became == outcome);
            assert_eq!(
                report.count(verb, outcome),
                wanted.count(),
                "{verb} {outcome:?}"
            );
        }
    }
    assert!(report.count(Verb::Book, &Outcome::refused("no-room-available")) > 0);
    assert!(report.count(Verb::Book, &Outcome::refused("validation")) > 0);
    assert_eq!(report.lag.never_seen, 0);
    let hotel = report.hotel.unwrap();
    crate::faults::all_visible(&system.log, &system.read).await;
    check_nights(system.log.pool(), &system.read, &plan, hotel).await;
}

/// A reservation of two nights from the 10th, made on the 8th, that ended so.
fn row(ending: rows::Ending, ended_on: &str) -> rows::Row {
    rows::Row {
        room_type: "A".to_owned(),
        booked_on: "2016-05-08".parse().unwrap(),
        check_in: "2016-05-10".parse().unwrap(),
        check_out: "2016-05-12".parse().unwrap(),
        adults: 2,
        children: 0,
        price: 10_000,
        ending,
        ended_on: ended_on.parse().unwrap(),
    }
}

fn order(rows: Vec<rows::Row>) -> Vec<(usize, Verb)> {
    let plan = Plan::of(rows).unwrap();
    plan.steps
        .iter()
        .map(|step| (step.row, step.verb))
        .collect()
}

#[test]
fn a_day_gives_rooms_back_before_it_takes_them() {
    use rows::Ending::{Cancelled, CheckedOut, NoShow};
    let mut leaves = row(CheckedOut, "2016-05-12");
    leaves.booked_on = "2016-05-01".parse().unwrap();
    let mut comes = row(CheckedOut, "2016-05-14");
    comes.check_in = "2016-05-12".parse().unwrap();
    comes.check_out = "2016-05-14".parse().unwrap();
    comes.booked_on = comes.check_in;
    let never = row(NoShow, "2016-05-12");
    let gone = row(Cancelled, "2016-05-12");
    let steps = order(vec![comes, gone, never, leaves]);
    use Verb::{Book, Cancel, CheckIn, CheckOut, NoShow as Absent, Open};
    let wanted = [
        (0, Open),
        (4, Book),
        (2, Book),
        (3, Book),
        (4, CheckIn),
        (4, CheckOut),
        (2, Cancel),
        (3, Absent),
        (1, Book),
        (1, CheckIn),
        (1, CheckOut),
    ];
    assert_eq!(steps, wanted);
}

#[test]
fn a_step_never_comes_before_the_one_it_depends_on() {
    use rows::Ending::Cancelled;
    let steps = order(vec![
        row(Cancelled, "2016-05-08"),
        row(Cancelled, "2016-05-09"),
    ]);
    use Verb::{Book, Cancel, Open};
    assert_eq!(
        steps,
        [(0, Open), (1, Book), (1, Cancel), (2, Book), (2, Cancel)]
    );
}

/// How many events there are, but for those of signing in.
async fn things_done(system: &System) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE aggregate_type <> 'identity.sessions'";
    let counted = sqlx::query_scalar(sql).fetch_one(system.log.pool()).await;
    counted.unwrap()
}

/// A progress file whose last line was torn by a kill is cut, and one of another plan is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_line_is_cut_and_another_plans_file_is_refused() {
    use rows::Ending::Cancelled;
    let system = System::start(Contexts::all()).await;
    let folder = tempfile::tempdir().unwrap();
    let options = demo::Options {
        url: format!("http://{}", system.address),
        email: ADMIN_EMAIL.to_owned(),
        password: ADMIN_PASSWORD.to_owned(),
        progress: folder.path().join("demo.ndjson"),
        rows: None,
    };
    let plan = Plan::of(vec![
        row(Cancelled, "2016-05-08"),
        row(Cancelled, "2016-05-09"),
    ])
    .unwrap();
    let whole = demo::play_plan(&plan, &options).await.unwrap();
    let text = std::fs::read_to_string(&options.progress).unwrap();
    let done = things_done(&system).await;
    // Every length of the file is what a kill may have left.
    for cut in [text.len() - 1, text.len() / 2, text.len() / 3] {
        std::fs::write(&options.progress, &text[..cut]).unwrap();
        let again = demo::play_plan(&plan, &options).await.unwrap();
        assert_eq!(again.tallies, whole.tallies, "cut at {cut}");
        assert_eq!(things_done(&system).await, done, "nothing was done twice");
    }
    let other = Plan::of(vec![row(Cancelled, "2016-05-09")]).unwrap();
    let refused = demo::play_plan(&other, &options).await.unwrap_err();
    assert!(refused.to_string().contains("another plan"), "{refused}");
}
