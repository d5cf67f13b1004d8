//! Lists, runners, runs: pages, `ETag`s, and what changes meanwhile.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use super::*;

/// A GitHub with so many runners, with pages of 100, an `ETag` for each, and links.
fn pages(ids: Arc<Mutex<Vec<u64>>>) -> impl FnMut(&Seen) -> Reply + Send {
    move |seen| {
        let ids = ids.lock().expect("no panic");
        let page: usize = query(seen, "page").map_or(1, |page| page.parse().expect("a number"));
        let host = seen.header("host").expect("a host");
        let here = ids.iter().copied().skip((page - 1) * 100).take(100);
        let body = runners(ids.len(), here);
        let mut hasher = DefaultHasher::new();
        body.to_string().hash(&mut hasher);
        let etag = format!("W/\"{:x}\"", hasher.finish());
        let last = ids.len().div_ceil(100);
        let link = |to: usize, rel: &str| {
            format!("<http://{host}/repositories/9/runners?per_page=100&page={to}>; rel=\"{rel}\"")
        };
        let mut reply = if seen.header("if-none-match") == Some(&etag) {
            Reply::empty(304)
        } else {
            Reply::json(200, body).with("etag", etag)
        };
        if page < last {
            reply = reply.with(
                "link",
                format!("{}, {}", link(page + 1, "next"), link(last, "last")),
            );
        }
        reply
    }
}

fn ids(runners: &[Runner]) -> Vec<u64> {
    runners.iter().map(|runner| runner.id).collect()
}

#[tokio::test]
async fn all_pages_are_read_and_unchanged_ones_are_not_sent_again() {
    let all = Arc::new(Mutex::new((1..=250).collect::<Vec<u64>>()));
    let server = Server::serve(pages(Arc::clone(&all))).await;
    let client = client(&server);
    let first = client.runners().await.unwrap();
    assert_eq!(ids(&first), (1..=250).collect::<Vec<_>>());
    assert_eq!(
        server.lines(),
        [
            "GET /repos/acme/app/actions/runners?per_page=100",
            "GET /repositories/9/runners?per_page=100&page=3",
            "GET /repositories/9/runners?per_page=100&page=2",
            "GET /repos/acme/app/actions/runners?per_page=100",
        ]
    );
    assert_eq!(client.runners().await.unwrap(), first);
    let seen = server.seen();
    assert_eq!(seen.len(), 8);
    assert!(
        seen[3..]
            .iter()
            .all(|seen| seen.header("if-none-match").is_some())
    );

    all.lock().unwrap().truncate(120);
    assert_eq!(
        ids(&client.runners().await.unwrap()),
        (1..=120).collect::<Vec<_>>()
    );
    assert_eq!(server.seen().len(), 11);
}

#[tokio::test]
async fn a_clone_shares_what_is_kept() {
    let server = Server::serve(pages(Arc::new(Mutex::new(vec![1])))).await;
    let client = client(&server);
    let later = tokio::time::Instant::now() + Duration::from_mins(1);
    client.runners().await.unwrap();
    assert_eq!(ids(&client.by(later).runners().await.unwrap()), [1]);
    assert!(server.seen()[1].header("if-none-match").is_some());
}

#[tokio::test]
async fn a_runner_that_moves_between_pages_is_counted_once_and_never_missed() {
    // While page 2 is on its way, runner 1 leaves: 101 moves to page 1, which was read already.
    let mut reading = 0;
    let server = Server::serve(move |seen| {
        let second = query(seen, "page").is_some();
        reading += usize::from(!second);
        let link = "<?page=2>; rel=\"next\"";
        match (reading, second) {
            (1, false) => Reply::json(200, runners(102, 1..=100)).with("link", link),
            (1, true) => Reply::json(200, runners(101, [102])),
            (_, false) => Reply::json(200, runners(101, 2..=101)).with("link", link),
            // One that is on both pages.
            (_, true) => Reply::json(200, runners(101, [101, 102])),
        }
    })
    .await;
    let mut seen = ids(&client(&server).runners().await.unwrap());
    assert_eq!(server.seen().len(), 5);
    seen.dedup();
    assert_eq!(seen, (2..=102).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_that_comes_while_another_leaves_does_not_hide_a_third() {
    // The total stays, and whoever moved from a page that was not read yet to one that was is on none of them.
    for when in 2..=4 {
        let all = Arc::new(Mutex::new((1..=350).collect::<Vec<u64>>()));
        let mut answer = pages(Arc::clone(&all));
        let (mut requests, changed) = (0, Arc::clone(&all));
        let server = Server::serve(move |seen| {
            requests += 1;
            if requests == when {
                let mut ids = changed.lock().expect("no panic");
                ids.remove(0);
                ids.push(1000);
            }
            answer(seen)
        })
        .await;
        let seen = ids(&client(&server).runners().await.unwrap());
        let there = all.lock().unwrap().clone();
        assert!(there.iter().all(|id| seen.contains(id)), "{when}: {seen:?}");
    }
}

#[tokio::test]
async fn pages_are_asked_for_side_by_side() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Pages 2 to 9 are answered once all of them have been asked for.
    let all_asked = Arc::new(tokio::sync::Barrier::new(8));
    let here = url.clone();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(answer(stream, here.clone(), Arc::clone(&all_asked)));
        }
    });
    let config = ClientConfig {
        api_url: url.parse().expect("a URL"),
        ..config(&Server::replies([]).await)
    };
    let listing = Client::new(config).expect("a client");
    let listed = tokio::time::timeout(Duration::from_secs(20), listing.runners()).await;
    let listed = listed.expect("all pages are asked for at once").unwrap();
    assert_eq!(ids(&listed), (1..=1000).collect::<Vec<_>>());
    server.abort();
}

/// Answers one request for a page of ten, and closes the connection.
async fn answer(
    mut stream: tokio::net::TcpStream,
    here: String,
    all_asked: Arc<tokio::sync::Barrier>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a request"));
    }
    let head = String::from_utf8(head).expect("a request");
    let target = head.split_whitespace().nth(1).expect("a target");
    let url: url::Url = format!("{here}{target}").parse().expect("a URL");
    let page = url.query_pairs().find(|(key, _)| key == "page");
    let page: u64 = page.map_or(1, |(_, page)| page.parse().expect("a number"));
    if (2..=9).contains(&page) {
        all_asked.wait().await;
    }
    let body = runners(1000, page * 100 - 99..=page * 100).to_string();
    let link = |to: u64, relation: &str| format!("<?per_page=100&page={to}>; rel=\"{relation}\"");
    let link = match page {
        10 => String::new(),
        page => format!("link: {}, {}\r\n", link(page + 1, "next"), link(10, "last")),
    };
    let length = body.len();
    let reply = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n{link}content-length: {length}\r\n\r\n{body}"
    );
    // Whoever has gone away needs no answer.
    let _ = stream.write_all(reply.as_bytes()).await;
}

#[tokio::test]
async fn a_list_that_never_rests_holds_whoever_was_seen() {
    let mut reading = 0;
    let server = Server::serve(move |seen| {
        let second = query(seen, "page").is_some();
        reading += u64::from(!second);
        if second {
            Reply::json(200, runners(100, [900 + reading]))
        } else {
            Reply::json(200, runners(101, reading..reading + 100))
                .with("link", "<?page=2>; rel=\"next\"")
        }
    })
    .await;
    let seen = ids(&client(&server).runners().await.unwrap());
    assert_eq!(server.seen().len(), 6);
    assert_eq!(seen, (1..=102).chain(901..=903).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_list_that_cannot_be_seen_whole_is_an_error_and_no_short_list() {
    let mut reading = 0;
    let server = Server::serve(move |seen| {
        let second = query(seen, "page").is_some();
        reading += usize::from(!second);
        if second {
            Reply::json(200, runners(150 + reading, [101]))
        } else {
            Reply::json(200, runners(150 + reading, 1..=100))
                .with("link", "<?page=2>; rel=\"next\"")
        }
    })
    .await;
    let error = client(&server).runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(
        told(&error).contains("it had 153 runners and showed 101"),
        "{}",
        told(&error)
    );
}

#[tokio::test]
async fn a_total_that_is_wrong_twice_is_not_waited_for() {
    let server = Server::serve(|seen| match query(seen, "page") {
        None => Reply::json(200, runners(150, 1..=100)).with("link", "<?page=2>; rel=\"next\""),
        Some(_) => Reply::json(200, runners(150, [101])),
    })
    .await;
    assert_eq!(client(&server).runners().await.unwrap().len(), 101);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_full_page_without_a_link_is_not_taken_for_the_whole() {
    let mut total = 200;
    let server = Server::serve(move |_| {
        total += 1;
        Reply::json(200, runners(total, 1..=100))
    })
    .await;
    let error = client(&server).runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_link_to_another_server_or_to_itself_is_not_followed() {
    let stranger = Server::serve(|_| Reply::json(200, runners(0, []))).await;
    for (link, why) in [
        (stranger.url().to_string(), "on another server"),
        ("?per_page=100".to_owned(), "was already read"),
        ("http://[".to_owned(), "is not a valid URL"),
    ] {
        let link = format!("<{link}>; rel=\"next\"");
        let page = Reply::json(200, runners(1, [1])).with("link", link);
        let server = Server::replies([page]).await;
        let error = client(&server).runners().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unexpected);
        assert!(told(&error).contains(why), "{}", told(&error));
    }
    assert_eq!(stranger.seen().len(), 0);
}

#[tokio::test]
async fn a_list_that_fails_on_its_second_page_is_no_list() {
    let server = Server::serve(|seen| match query(seen, "page") {
        None => Reply::json(200, runners(101, 1..=100)).with("link", "<?page=2>; rel=\"next\""),
        Some(_) => Reply::html(502, "Unicorn!"),
    })
    .await;
    let error = client(&server).runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_runner_is_read_by_its_number_and_again_only_when_it_changed() {
    let mut online = runner(73);
    online["busy"] = json!(true);
    let replies = [
        Reply::json(200, runner(73)).with("etag", "W/\"a\""),
        Reply::empty(304),
        Reply::json(200, online).with("etag", "W/\"b\""),
        refusal(404, "Not Found"),
        Reply::json(200, runner(73)),
    ];
    let server = Server::replies(replies).await;
    let client = client(&server);
    let mut busy = Vec::new();
    for _ in 0..5 {
        busy.push(client.runner(73).await.unwrap().map(|runner| runner.busy));
    }
    assert_eq!(
        busy,
        [Some(false), Some(false), Some(true), None, Some(false)]
    );
    let etags: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| seen.header("if-none-match").map(str::to_owned))
        .collect();
    let known = |etag: &str| Some(etag.to_owned());
    // What is gone is forgotten.
    assert_eq!(
        etags,
        [
            None,
            known("W/\"a\""),
            known("W/\"a\""),
            known("W/\"b\""),
            None
        ]
    );
}

#[tokio::test]
async fn what_could_not_be_read_is_asked_for_anew() {
    // The whole list, cut in half once, always with the right `ETag`.
    let mut times = 0;
    let server = Server::serve(move |seen| {
        times += 1;
        let body = runners(2, [1, 2]).to_string();
        let reply = match (times, seen.header("if-none-match")) {
            (1, _) => Reply::json(200, &body[..body.len() / 2]),
            (_, Some("W/\"a\"")) => Reply::empty(304),
            _ => Reply::json(200, &body),
        };
        reply.with("etag", "W/\"a\"")
    })
    .await;
    let client = client(&server);
    let error = client.runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected, "{}", told(&error));
    for _ in 0..2 {
        assert_eq!(ids(&client.runners().await.unwrap()), [1, 2]);
    }
    let asked_whether_changed: Vec<bool> = server
        .seen()
        .iter()
        .map(|seen| seen.header("if-none-match").is_some())
        .collect();
    assert_eq!(asked_whether_changed, [false, false, true]);
}

#[tokio::test]
async fn what_does_not_fit_is_asked_for_anew() {
    let replies = [
        Reply::json(200, json!({"id": 73})).with("etag", "W/\"a\""),
        Reply::json(200, runner(73)).with("etag", "W/\"a\""),
    ];
    let server = Server::replies(replies).await;
    let client = client(&server);
    client.runner(73).await.unwrap_err();
    assert!(client.runner(73).await.unwrap().is_some());
    assert_eq!(server.seen()[1].header("if-none-match"), None);
}

#[tokio::test]
async fn a_list_of_endless_bytes_is_not_read_to_its_end() {
    let mut number = 0;
    let server = Server::serve(move |_| {
        number += 1;
        let filler = "x".repeat(15 << 20);
        let page = json!({"total_count": 9999, "runners": [runner(number)], "filler": filler});
        Reply::json(200, page).with("link", format!("<?page={number}>; rel=\"next\""))
    })
    .await;
    let error = client(&server).runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);
    assert!(
        told(&error).contains("more than 64 MiB"),
        "{}",
        told(&error)
    );
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn fields_and_words_that_we_do_not_know_are_let_be() {
    let odd = json!({"id": 1, "name": "x", "status": "hibernating", "busy": false, "mood": [],
        "os": "unknown", "version": null});
    let server = Server::replies([Reply::json(200, json!({"runners": [odd]}))]).await;
    let runners = client(&server).runners().await.unwrap();
    assert_eq!(
        (runners[0].status.as_str(), runners[0].labels.len()),
        ("hibernating", 0)
    );
}

#[tokio::test]
async fn a_run_and_its_jobs_are_read_or_unknown() {
    let run = Run { id: 5, attempt: 2 };
    let server = Server::serve(|seen| match seen.target.split('?').next() {
        Some("/repos/acme/app/actions/runs/5") => {
            Reply::json(200, json!({"id": 5, "status": "completed", "run_attempt": 3}))
        }
        Some("/repos/acme/app/actions/runs/5/attempts/2/jobs") => match query(seen, "page") {
            None => Reply::json(
                200,
                json!({"total_count": 2, "jobs": [{"id": 1, "status": "in_progress", "runner_name": "x"}]}),
            )
            .with("link", "<?page=2>; rel=\"next\""),
            Some(_) => Reply::json(
                200,
                json!({"total_count": 2, "jobs": [{"id": 2, "status": "queued", "runner_name": null}]}),
            ),
        },
        Some("/repos/acme/secret/actions/runs/5") => refusal(403, "Resource not accessible"),
        _ => refusal(404, "Not Found"),
    })
    .await;
    let client = client(&server);
    let found = client.run("acme/app", 5).await.unwrap().unwrap();
    assert_eq!(
        (found.status.as_deref(), found.run_attempt),
        (Some("completed"), 3)
    );
    let jobs = client.jobs("acme/app", run).await.unwrap().unwrap();
    let names: Vec<_> = jobs.iter().map(|job| job.runner_name.as_deref()).collect();
    assert_eq!(names, [Some("x"), None]);
    for repository in ["acme/secret", "acme/gone"] {
        assert_eq!(client.run(repository, 5).await.unwrap(), None);
        assert_eq!(client.jobs(repository, run).await.unwrap(), None);
    }
    let error = client.run("nonsense", 5).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_run_that_could_not_be_asked_for_is_no_unknown_run() {
    let limited = refusal(403, "API rate limit exceeded").with("retry-after", 4000);
    for (reply, kind) in [
        (limited, ErrorKind::RateLimited),
        (refusal(401, "Bad credentials"), ErrorKind::Unauthorized),
        (Reply::html(502, "Unicorn!"), ErrorKind::Unavailable),
        (Reply::html(403, "Proxy"), ErrorKind::Unexpected),
        (Reply::html(404, "Proxy"), ErrorKind::Unexpected),
    ] {
        let server = Server::serve(move |_| reply.clone()).await;
        let run = Run { id: 5, attempt: 1 };
        let client = client(&server);
        assert_eq!(client.runner(73).await.unwrap_err().kind, kind);
        assert_eq!(client.run("acme/app", 5).await.unwrap_err().kind, kind);
        assert_eq!(client.jobs("acme/app", run).await.unwrap_err().kind, kind);
    }
}
