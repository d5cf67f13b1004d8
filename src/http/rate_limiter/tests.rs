//! Waits and paces on a paused clock, with no socket.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::join_all;
use tokio::time::{advance, sleep, timeout};

use super::*;
use crate::http::Pause;

const SECOND: Duration = Duration::from_secs(1);

fn deadline(patience: Duration) -> Deadline {
    Deadline::new(Duration::from_mins(3), Instant::now() + patience)
}

fn patient() -> Deadline {
    deadline(Duration::from_hours(10))
}

fn limit(pause: Pause) -> Limit {
    Limit {
        pause,
        reason: "the limit".to_owned(),
    }
}

fn server_clock() -> Timestamp {
    Timestamp::from_second(1_000_000).expect("a time")
}

fn told(seconds: u64) -> Pause {
    Pause::For(Duration::from_secs(seconds))
}

type Heard = Arc<Mutex<Vec<(String, u64)>>>;

/// One that hears of waits, and the seconds that they are said to last.
fn heard() -> (Option<ObserveWait>, Heard) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let hear: ObserveWait = Arc::new(move |wait| {
        let mut heard = ear.lock().expect("no panic");
        heard.push((wait.reason.to_owned(), wait.lasts.as_secs()));
    });
    (Some(hear), heard)
}

async fn refuse(limiter: &RateLimiter, changes: bool, pause: Pause) {
    let permit = limiter.enter(changes, &patient()).await.expect("room");
    permit.refused(limit(pause), Duration::ZERO, server_clock());
}

#[tokio::test(start_paused = true)]
async fn all_wait_for_the_same_end_and_hear_of_it_once() {
    let (hear, heard) = heard();
    let limiter = RateLimiter::new(Rate::default(), hear);
    refuse(&limiter, true, told(30)).await;
    let begun = Instant::now();
    let asked = RefCell::new(0);
    join_all((0..40).map(async |index| {
        let permit = limiter
            .enter(index % 2 == 0, &patient())
            .await
            .expect("room");
        *asked.borrow_mut() += 1;
        assert!(begun.elapsed() >= 30 * SECOND);
        permit.served();
    }))
    .await;
    assert_eq!(*asked.borrow(), 40);
    assert_eq!(*heard.lock().unwrap(), [("the limit".to_owned(), 30)]);
}

#[tokio::test(start_paused = true)]
async fn one_goes_first_and_the_others_wait_for_what_it_meets() {
    let limiter = RateLimiter::new(Rate::default(), None);
    refuse(&limiter, true, told(30)).await;
    let begun = Instant::now();
    // When each got through.
    let through = RefCell::new(Vec::new());
    join_all((0..5).map(async |_| {
        let permit = limiter.enter(true, &patient()).await.expect("room");
        through.borrow_mut().push(begun.elapsed().as_secs());
        sleep(7 * SECOND).await;
        permit.served();
    }))
    .await;
    // It is answered after seven seconds; by then there are tokens for all of them.
    assert_eq!(*through.borrow(), [30, 37, 37, 37, 37]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_not_over_holds_for_the_others_too_and_grows() {
    let (hear, heard) = heard();
    let limiter = RateLimiter::new(Rate::default(), hear);
    let minute = Pause::Growing(60 * SECOND);
    refuse(&limiter, true, minute).await;
    let begun = Instant::now();
    let sent = Rc::new(RefCell::new(Vec::new()));
    join_all((0..20).map(async |_| {
        loop {
            let permit = limiter.enter(true, &patient()).await.expect("room");
            sent.borrow_mut().push(begun.elapsed().as_secs());
            if begun.elapsed() < 400 * SECOND {
                permit.refused(limit(minute), Duration::ZERO, server_clock());
            } else {
                return permit.served();
            }
        }
    }))
    .await;
    let sent = sent.borrow();
    assert_eq!(sent[..3], [60, 180, 420], "{sent:?}");
    assert_eq!(sent.len(), 22, "somebody asked in vain: {sent:?}");
    let lasted: Vec<u64> = heard.lock().unwrap().iter().map(|(_, s)| *s).collect();
    assert_eq!(lasted, [60, 120, 240]);
}

#[tokio::test(start_paused = true)]
async fn those_that_were_under_way_do_not_make_it_longer() {
    let limiter = RateLimiter::new(Rate::default(), None);
    let passes = join_all((0..6).map(|_| async { limiter.enter(true, &patient()).await.unwrap() }));
    for permit in passes.await {
        permit.refused(
            limit(Pause::Growing(60 * SECOND)),
            Duration::ZERO,
            server_clock(),
        );
    }
    assert_eq!(limiter.wait_now(), 60 * SECOND);
    refuse(&limiter, true, Pause::Growing(60 * SECOND)).await;
    assert_eq!(limiter.wait_now(), 120 * SECOND);
    // What was let through ends the row.
    limiter.enter(true, &patient()).await.unwrap().served();
    refuse(&limiter, true, Pause::Growing(60 * SECOND)).await;
    assert_eq!(limiter.wait_now(), 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn who_goes_first_and_gives_up_leaves_its_place_to_another() {
    let limiter = RateLimiter::new(Rate::default(), None);
    refuse(&limiter, true, told(30)).await;
    let first = limiter.enter(true, &patient()).await.unwrap();
    let patience = patient();
    let mut second = std::pin::pin!(limiter.enter(true, &patience));
    assert!(
        timeout(SECOND, &mut second).await.is_err(),
        "it did not wait"
    );
    drop(first);
    second.await.unwrap().served();
}

#[tokio::test(start_paused = true)]
async fn after_a_limit_on_changes_reading_goes_on_by_itself() {
    let limiter = RateLimiter::new(Rate::default(), None);
    refuse(&limiter, true, Pause::Growing(60 * SECOND)).await;
    let begun = Instant::now();
    limiter.enter(false, &patient()).await.unwrap().served();
    assert_eq!(begun.elapsed(), 60 * SECOND);
    // That reading works says nothing of changes: the next refusal is one in a row.
    refuse(&limiter, true, Pause::Growing(60 * SECOND)).await;
    assert_eq!(limiter.wait_now(), 120 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_comes_too_late_is_not_waited_for() {
    let limiter = RateLimiter::new(Rate::default(), None);
    refuse(&limiter, true, told(600)).await;
    let begun = Instant::now();
    let full = limiter
        .enter(false, &deadline(599 * SECOND))
        .await
        .unwrap_err();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(
        full,
        LimitReached {
            reason: "the limit".to_owned(),
            until: "1970-01-12T13:56:40Z".parse().unwrap(),
        }
    );
    limiter.enter(false, &deadline(601 * SECOND)).await.unwrap();
    assert_eq!(begun.elapsed(), 600 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_wait_puts_the_end_of_the_operation_off() {
    let limiter = RateLimiter::new(Rate::default(), None);
    refuse(&limiter, true, told(600)).await;
    let begun = Instant::now();
    let deadline = patient();
    limiter.enter(true, &deadline).await.unwrap().served();
    assert_eq!(
        deadline.end().duration_since(begun),
        Duration::from_mins(13)
    );
    let hard = patient().ending(begun + Duration::from_mins(11));
    hard.waited(Duration::from_mins(9));
    assert_eq!(hard.end().duration_since(begun), Duration::from_mins(11));
}

#[tokio::test(start_paused = true)]
async fn changes_go_a_few_at_a_time_and_at_their_pace() {
    let (hear, heard) = heard();
    let limiter = RateLimiter::new(Rate::default(), hear);
    let begun = Instant::now();
    let (under_way, most) = (RefCell::new(0), RefCell::new(0));
    let sent = RefCell::new(Vec::new());
    join_all((0..100).map(async |_| {
        let permit = limiter.enter(true, &patient()).await.expect("room");
        sent.borrow_mut().push(begun.elapsed());
        *under_way.borrow_mut() += 1;
        let now = *under_way.borrow();
        most.replace_with(|most| now.max(*most));
        sleep(Duration::from_millis(100)).await;
        *under_way.borrow_mut() -= 1;
        permit.served();
    }))
    .await;
    assert_eq!(*most.borrow(), 8);
    let sent = sent.borrow();
    assert!(sent[63] < SECOND, "{sent:?}");
    for (index, at) in sent.iter().enumerate() {
        let minute = sent
            .iter()
            .filter(|other| (*at..*at + 60 * SECOND).contains(*other));
        assert!(minute.count() <= 80, "after {index}: {sent:?}");
    }
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].0, "self-imposed limit: 80 writes per 60 s");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_would_come_too_late_is_refused_at_once() {
    let limiter = RateLimiter::new(Rate::default(), None);
    let begun = Instant::now();
    let patience = deadline(20 * SECOND);
    let came = join_all((0..90).map(async |_| {
        let permit = limiter.enter(true, &patience).await;
        let came = permit.map(Permit::served).is_ok();
        assert!(came || begun.elapsed().is_zero(), "it waited in vain");
        came
    }))
    .await;
    assert_eq!(came.iter().filter(|came| **came).count(), 80);
}

#[tokio::test(start_paused = true)]
async fn what_ends_machines_does_not_wait_and_is_owed_for() {
    let limiter = RateLimiter::new(Rate::default(), None);
    refuse(&limiter, true, told(600)).await;
    let begun = Instant::now();
    join_all((0..64).map(async |_| limiter.bypass().await.served())).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // The others still wait for the end, and for a minute with room in it.
    assert_eq!(limiter.wait_now(), 600 * SECOND);
    limiter.enter(true, &patient()).await.unwrap();
    assert_eq!(begun.elapsed(), 664 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_begun_is_given_up_at_once() {
    let limiter = RateLimiter::new(Rate::default(), None);
    let under_way =
        join_all((0..7).map(|_| async { limiter.enter(true, &patient()).await.unwrap() })).await;
    refuse(&limiter, true, told(600)).await;
    let begun = Instant::now();
    let abandonable = patient().abandonable();
    let waits = join_all((0..5).map(|_| limiter.enter(true, &abandonable)));
    let given_up = async {
        sleep(SECOND).await;
        limiter.abandon_waits();
    };
    let (results, ()) = tokio::join!(waits, given_up);
    assert!(results.iter().all(Result::is_err));
    assert_eq!(begun.elapsed(), SECOND);
    assert!(limiter.enter(true, &abandonable).await.is_err());
    drop(under_way);
    // What is not to be forgone goes on waiting.
    limiter.enter(true, &patient()).await.unwrap();
    assert_eq!(begun.elapsed(), 600 * SECOND);
    advance(SECOND).await;
}
