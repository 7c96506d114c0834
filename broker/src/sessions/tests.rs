use bytes::Bytes;

use super::*;
use crate::protocol::Records;

fn key(name: &str) -> TopicKey {
    TopicKey { name: name.into(), id: Uuid::nil() }
}

fn part(name: &str, fetch_offset: i64) -> Part {
    Part { topic: key(name), request: FetchPartition { fetch_offset, ..Default::default() } }
}

fn asked(session_id: i32, epoch: i32, names: &[&str]) -> Asked {
    let parts = names.iter().map(|name| part(name, 0)).collect();
    Asked { session_id, epoch, by_id: false, parts, forgotten: Vec::new() }
}

fn names(parts: &[Part]) -> Vec<&str> {
    parts.iter().map(|part| &*part.topic.name).collect()
}

/// Answers every partition; those in `with_records` with records.
fn answers(parts: &[Part], with_records: &[&str]) -> Vec<(TopicKey, PartitionData)> {
    let answer = |part: &Part| {
        let has_records = with_records.contains(&&*part.topic.name);
        let records = if has_records { Bytes::from_static(b"x") } else { Bytes::new() };
        let data = PartitionData {
            high_watermark: 5,
            log_start_offset: 0,
            records: Some(Records::from(records)),
            ..Default::default()
        };
        (part.topic.clone(), data)
    };
    parts.iter().map(answer).collect()
}

#[test]
fn an_answer_carries_news_only_and_served_partitions_go_last() {
    let (sessions, now) = (FetchSessions::default(), Instant::now());
    let fetching = sessions.begin(asked(0, 0, &["a", "b", "c"]), now).unwrap();
    let id = fetching.session_id;
    assert!(id > 0);
    let answered = sessions.finish(&fetching, answers(&fetching.parts, &[]));
    assert_eq!(answered.len(), 3, "the first answer is complete");

    let fetching = sessions.begin(asked(id, 1, &[]), now).unwrap();
    assert_eq!((fetching.session_id, names(&fetching.parts)), (id, vec!["a", "b", "c"]));
    let answered = sessions.finish(&fetching, answers(&fetching.parts, &["a"]));
    assert_eq!(answered.iter().map(|(topic, _)| &*topic.name).collect::<Vec<_>>(), ["a"]);

    let forgotten = vec![(key("b"), 0)];
    let fetching = sessions.begin(Asked { forgotten, ..asked(id, 2, &["d"]) }, now).unwrap();
    assert_eq!(names(&fetching.parts), ["c", "a", "d"]);
}

#[test]
fn a_changed_offset_replaces_the_one_remembered() {
    let (sessions, now) = (FetchSessions::default(), Instant::now());
    let id = sessions.begin(asked(0, 0, &["a", "b"]), now).unwrap().session_id;
    let changed = Asked { parts: vec![part("a", 9)], ..asked(id, 1, &[]) };
    let fetching = sessions.begin(changed, now).unwrap();
    assert_eq!(names(&fetching.parts), ["a", "b"]);
    assert_eq!(fetching.parts[0].request.fetch_offset, 9);
}

#[test]
fn wrong_ids_and_epochs_are_refused_and_sessions_end() {
    let (sessions, now) = (FetchSessions::default(), Instant::now());
    let code = |asked| sessions.begin(asked, now).map(|fetching| fetching.session_id);
    assert_eq!(code(asked(77, 1, &[])), Err(ErrorCode::FetchSessionIdNotFound));
    let id = code(asked(0, 0, &["a"])).unwrap();
    assert_eq!(code(asked(id, 2, &[])), Err(ErrorCode::InvalidFetchSessionEpoch));
    assert_eq!(code(Asked { by_id: true, ..asked(id, 1, &[]) }), Err(ErrorCode::FetchSessionTopicIdError));
    assert_eq!(code(asked(id, 1, &[])), Ok(id));
    assert_eq!(code(asked(id, -1, &["a"])), Ok(0), "the final epoch closes");
    assert_eq!(code(asked(id, 2, &[])), Err(ErrorCode::FetchSessionIdNotFound));

    let id = code(asked(0, 0, &["a"])).unwrap();
    let forgotten = vec![(key("a"), 0)];
    assert_eq!(code(Asked { forgotten, ..asked(id, 1, &[]) }), Ok(0), "an empty session closes");
    assert_eq!(code(asked(0, -1, &["a"])), Ok(0), "no session is asked for");
    assert_eq!(code(asked(0, 0, &[])), Ok(0), "there is nothing to remember");
    assert_eq!(sessions.cache().partitions, 0);
}

#[test]
fn without_room_sessions_are_declined_until_one_is_idle() {
    let (sessions, now) = (FetchSessions::default(), Instant::now());
    for _ in 0..SESSIONS_MAX {
        assert!(sessions.begin(asked(0, 0, &["a"]), now).unwrap().session_id > 0);
    }
    assert_eq!(sessions.begin(asked(0, 0, &["a"]), now).unwrap().session_id, 0);
    assert!(sessions.begin(asked(0, 0, &["a"]), now + EVICTABLE_AFTER).unwrap().session_id > 0);
    assert_eq!(sessions.cache().sessions.len(), SESSIONS_MAX);
}

#[test]
fn the_epoch_wraps_to_1() {
    let (sessions, now) = (FetchSessions::default(), Instant::now());
    let id = sessions.begin(asked(0, 0, &["a"]), now).unwrap().session_id;
    if let Some(session) = sessions.cache().sessions.get_mut(&id) {
        session.next_epoch = i32::MAX;
    }
    assert!(sessions.begin(asked(id, i32::MAX, &[]), now).is_ok());
    assert!(sessions.begin(asked(id, 1, &[]), now).is_ok());
}
