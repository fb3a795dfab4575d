//! Messages that are lost, late, altered, repeated, or nobody's.

use audit::reconcile::{Asked, Finding, InKafka};
use rdkafka::message::{Header, OwnedHeaders};
use uuid::Uuid;

use super::{ByHand, attempt, longest, reconciled, rested, rested_after, sources};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_as_they_should_be_and_some_of_them_twice() {
    let (system, events) = rested().await;
    let by_hand = ByHand::make(&system).await;
    let all = by_hand.messages(&system, &events);
    by_hand.send(&all).await;
    by_hand.send(&all[3..8]).await;
    let outcome = reconciled(&system, &by_hand.kafka).await;
    assert_eq!(outcome.findings, []);
    let (sum, count) = (outcome.kafka(), events.len() as u64);
    assert_eq!(
        (sum.messages, sum.found, sum.duplicated),
        (count + 5, count, 5)
    );
    assert_eq!(outcome.line(4).copies, 2);
    assert_eq!(outcome.line(3).copies, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_is_told_with_its_positions() {
    let (system, events) = rested().await;
    let by_hand = ByHand::make(&system).await;
    let all = by_hand.messages(&system, &events);
    let long = longest(&events);
    // Two in the middle of a partition, and its end.
    let lost = [long[2], long[3], long[long.len() - 1]];
    let left: Vec<_> = all
        .iter()
        .zip(&events)
        .filter(|(_, event)| !lost.contains(&event.position))
        .map(|(message, _)| message.clone())
        .collect();
    by_hand.send(&left).await;
    let outcome = reconciled(&system, &by_hand.kafka).await;
    let told: Vec<_> = outcome
        .findings
        .iter()
        .map(|finding| match finding {
            Finding::Lost {
                from, to, events, ..
            } => (*from, *to, *events),
            other => panic!("{other}"),
        })
        .collect();
    let expected = [(lost[0], lost[1], 2), (lost[2], lost[2], 1)];
    assert_eq!(told, expected);
    assert_eq!(outcome.kafka().lost, 3);
    for position in lost {
        assert_eq!(outcome.line(position).kafka, Some(InKafka::Lost));
    }
    assert_eq!(outcome.line(long[1]).kafka, Some(InKafka::There));
    // The relay has not sent what is after its position: that is no fault.
    sqlx::query("UPDATE relay SET position = $1")
        .bind(lost[2] - 1)
        .execute(system.log.pool())
        .await
        .unwrap();
    let outcome = reconciled(&system, &by_hand.kafka).await;
    assert_eq!(
        (outcome.kafka().lost, outcome.kafka().not_yet_relayed),
        (2, 1)
    );
    let verdict = outcome.line(lost[2]).kafka;
    assert_eq!(verdict, Some(InKafka::NotYetRelayed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_after_a_later_one_is_late_however_the_log_is_cut() {
    let (system, events) = rested().await;
    let by_hand = ByHand::make(&system).await;
    let mut all = by_hand.messages(&system, &events);
    let long = longest(&events);
    let (one, other) = (long[1] as usize - 1, long[4] as usize - 1);
    all.swap(one, other);
    by_hand.send(&all).await;
    let outcome = reconciled(&system, &by_hand.kafka).await;
    // Of 1 4 2 3 0-based, all three that follow the fourth came after it.
    let mut late: Vec<_> = outcome
        .findings
        .iter()
        .map(|finding| match finding {
            Finding::Late {
                position, after, ..
            } => (*position, *after),
            other => panic!("{other}"),
        })
        .collect();
    late.sort_unstable();
    let expected = [long[1], long[2], long[3]].map(|position| (position, long[4]));
    assert_eq!(late, expected);
    assert_eq!((outcome.kafka().late, outcome.kafka().lost), (3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_altered_is_told_part_by_part() {
    let (system, events) = rested().await;
    let by_hand = ByHand::make(&system).await;
    let mut all = by_hand.messages(&system, &events);
    all[1].payload.push(' ');
    all[2].key = Uuid::nil().to_string();
    let mut other = events[3].clone();
    other.metadata = r#"{"actor":"nobody"}"#.to_owned();
    other.event_type = "Nothing".to_owned();
    all[3].headers = event_store::message::headers(&other, system.log.epoch(), 0);
    by_hand.send(&all).await;
    let outcome = reconciled(&system, &by_hand.kafka).await;
    let mut told: Vec<_> = outcome
        .findings
        .iter()
        .map(|finding| match finding {
            Finding::Altered {
                position, parts, ..
            } => (*position, parts.clone()),
            other => panic!("{other}"),
        })
        .collect();
    told.sort();
    let expected = [
        (2, vec!["payload"]),
        (3, vec!["key"]),
        (4, vec!["ce_type", "ce_metadata"]),
    ];
    assert_eq!(told, expected);
    assert_eq!((outcome.kafka().altered, outcome.kafka().lost), (3, 0));
    assert_eq!(outcome.line(2).kafka, Some(InKafka::Altered));
}

/// Messages that are nobody's, and how that is told.
fn foreign(
    by_hand: &ByHand,
    system: &crate::support::System,
    events: &[event_store::RecordedEvent],
) -> Vec<(super::Sent, &'static str)> {
    let all = by_hand.messages(system, events);
    let last = events.last().unwrap();
    let with = |event: &event_store::RecordedEvent, epoch| super::Sent {
        headers: event_store::message::headers(event, epoch, 0),
        ..all[5].clone()
    };
    let ours = system.log.epoch();
    let (mut beyond, mut another) = (last.clone(), events[5].clone());
    beyond.position += 1;
    another.event_id = Uuid::now_v7();
    let mut elsewhere = all[5].clone();
    elsewhere.partition = (elsewhere.partition + 1) % 3;
    let bare = |headers: OwnedHeaders| super::Sent {
        headers,
        ..all[5].clone()
    };
    let odd = OwnedHeaders::new().insert(Header {
        key: "ce_epoch",
        value: Some("soon"),
    });
    vec![
        (bare(OwnedHeaders::new()), "it has no ce_epoch"),
        (bare(odd), "its ce_epoch is \"soon\""),
        (with(&events[5], Uuid::nil()), "it is of another log"),
        (with(&beyond, ours), "the log has no position"),
        (with(&another, ours), "it says it is event"),
        (elsewhere, "position 6 belongs to"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_no_event_explains() {
    let (system, events) = rested().await;
    let by_hand = ByHand::make(&system).await;
    let all = by_hand.messages(&system, &events);
    let foreign = foreign(&by_hand, &system, &events);
    by_hand.send(&all[..10]).await;
    let messages: Vec<_> = foreign.iter().map(|(message, _)| message.clone()).collect();
    by_hand.send(&messages).await;
    by_hand.send(&all[10..]).await;
    let outcome = reconciled(&system, &by_hand.kafka).await;
    assert_eq!(
        outcome.findings.len(),
        foreign.len(),
        "{:#?}",
        outcome.findings
    );
    for (_, why) in foreign {
        let told = |finding: &Finding| matches!(finding, Finding::Unexplained { why: told, .. } if told.starts_with(why));
        assert_eq!(
            outcome.findings.iter().filter(|one| told(one)).count(),
            1,
            "{why}"
        );
    }
    assert_eq!(outcome.kafka().found, events.len() as u64);
}

/// A window of a few positions, which is a few bytes of memory, finds what one of all finds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_size_of_the_windows_makes_no_difference() {
    // So long that no partition is read to its end for the first window.
    let (system, events) = rested_after(300).await;
    let by_hand = ByHand::make(&system).await;
    let mut all = by_hand.messages(&system, &events);
    let foreign = foreign(&by_hand, &system, &events);
    let long = longest(&events);
    assert!(long.len() > 200, "{}", long.len());
    // The last of a partition comes first, so that it is far ahead of its window; its second comes
    // last, far behind; the third never does; the fourth is another.
    let at = |index: usize| long[index] as usize - 1;
    all[at(3)].payload.push(' ');
    let (first, second) = (all[at(long.len() - 1)].clone(), all[at(1)].clone());
    let rest = all.iter().enumerate();
    let rest = rest.filter(|(index, _)| ![at(1), at(2), at(long.len() - 1)].contains(index));
    let rest: Vec<_> = rest.map(|(_, message)| message.clone()).collect();
    by_hand.send(&[first]).await;
    by_hand.send(&rest).await;
    for (message, _) in &foreign {
        by_hand.send(std::slice::from_ref(message)).await;
    }
    by_hand.send(&rest[..7]).await;
    by_hand.send(&[second.clone(), second]).await;
    let whole = reconciled(&system, &by_hand.kafka).await;
    let sum = whole.kafka();
    assert_eq!((sum.lost, sum.unexplained), (1, 6));
    assert!(sum.altered >= 1 && sum.duplicated >= 8, "{sum:?}");
    assert!(sum.late as usize >= long.len() - 3, "{}", sum.late);
    for window in [1, 7, 20] {
        let asked = Asked {
            window,
            ..Asked::default()
        };
        let outcome = attempt(sources(&system, &by_hand.kafka), asked)
            .await
            .unwrap();
        assert_eq!(outcome.sorted(), whole.sorted(), "windows of {window}");
        assert_eq!(
            outcome.summary.kafka, whole.summary.kafka,
            "windows of {window}"
        );
        assert_eq!(outcome.summary.projections, whole.summary.projections);
        assert_eq!(outcome.summary.policies, whole.summary.policies);
    }
}
