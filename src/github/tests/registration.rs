//! Registrations and their end.

use super::*;

fn made() -> Value {
    json!({"runner": runner(73), "encoded_jit_config": "anything-hunter2"})
}

#[tokio::test]
async fn a_runner_is_registered_with_what_was_asked_for() {
    let server = Server::replies([Reply::json(201, made())]).await;
    let config = ClientConfig {
        group: 7,
        ..config(&server)
    };
    let labels = [name().to_string(), "gpu".to_owned()];
    let registration = Client::new(config)
        .unwrap()
        .register(&name(), &labels)
        .await
        .unwrap();
    assert_eq!(registration.runner_id, Some(73));
    let RunnerCredential::Jit(jit) = &registration.credential else {
        panic!("{registration:?}");
    };
    assert_eq!(jit.expose(), "anything-hunter2");
    assert!(!format!("{registration:?}").contains("hunter2"));

    let seen = &server.seen()[0];
    assert_eq!(
        seen.line(),
        "POST /repos/acme/app/actions/runners/generate-jitconfig"
    );
    assert_eq!(
        serde_json::from_str::<Value>(&seen.body).unwrap(),
        json!({"name": name(), "runner_group_id": 7, "labels": labels, "work_folder": "_work"})
    );
}

#[tokio::test]
async fn a_lost_answer_is_ambiguous_and_nothing_is_sent_again() {
    let mut no_number = made();
    no_number["runner"]["id"] = json!("seventy-three");
    let mut no_config = made();
    no_config["encoded_jit_config"] = json!(["hunter2"]);
    for reply in [
        Reply::html(502, "Unicorn!"),
        Reply::html(504, "Gateway time-out"),
        refusal(500, "Oops"),
        refusal(503, "Busy").with("retry-after", 0),
        Reply::Close,
        Reply::Half,
        Reply::Silence,
        // It was made, but what to connect with did not arrive.
        Reply::json(201, no_number),
        Reply::json(201, no_config),
        Reply::json(201, "hunter2"),
        Reply::html(200, "hunter2"),
        Reply::empty(204),
    ] {
        let server = Server::replies([reply.clone()]).await;
        let mut config = config(&server);
        if matches!(reply, Reply::Silence) {
            config.bounds.request = Duration::from_millis(500);
        }
        let client = Client::new(config).unwrap();
        let error = register(&client).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{reply:?}: {error:?}");
        // On a busy machine the time may be over before the server has looked.
        let least = usize::from(!matches!(reply, Reply::Silence));
        assert!((least..=1).contains(&server.seen().len()), "{reply:?}");
        let all = format!("{} {error:?}", told(&error));
        assert!(!all.contains("hunter2"), "{all}");
    }
}

#[tokio::test]
async fn a_name_that_exists_is_taken() {
    let server = Server::replies([refusal(409, "Already exists - A runner")]).await;
    let error = register(&client(&server)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NameTaken);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_was_refused_for_the_limit_is_sent_again() {
    for limited in [
        refusal(403, "You have exceeded a secondary rate limit").with("retry-after", 0),
        refusal(429, "slow down").with("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ] {
        let server = Server::replies([limited, Reply::json(201, made())]).await;
        assert_eq!(
            register(&client(&server)).await.unwrap().runner_id,
            Some(73)
        );
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_renamed_repository_is_followed_with_verb_body_and_token() {
    let moved = Reply::json(307, "{}").with("location", "/repositories/9/generate-jitconfig");
    let server = Server::replies([moved, Reply::json(201, made())]).await;
    register(&client(&server)).await.unwrap();
    let [first, second] = server.seen().try_into().unwrap();
    assert_eq!(second.line(), "POST /repositories/9/generate-jitconfig");
    assert_eq!(second.body, first.body);
    assert_eq!(
        second.header("authorization"),
        Some(format!("Bearer {TOKEN}").as_str())
    );
}

#[tokio::test]
async fn another_host_gets_neither_the_request_nor_the_token() {
    let stranger = Server::serve(|_| Reply::json(201, made())).await;
    let there = stranger.url();
    let server = Server::serve(move |_| Reply::empty(307).with("location", &there)).await;
    let error = register(&client(&server)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(told(&error).contains("GITHUB_API_URL"), "{}", told(&error));
    assert_eq!(stranger.seen().len(), 0);
}

#[tokio::test]
async fn a_deregistration_says_whether_the_runner_is_gone_or_busy() {
    for (reply, became) in [
        (Reply::empty(204), Deregistration::Gone),
        (refusal(404, "Not Found"), Deregistration::Gone),
        (
            refusal(422, "Runner is currently running a job"),
            Deregistration::Busy,
        ),
    ] {
        let shown = Reply::json(200, runners(0, []));
        let replies = [Reply::html(502, "Unicorn!"), Reply::Close, reply, shown];
        let server = Server::replies(replies).await;
        let client = client(&server);
        assert_eq!(client.deregister(73).await.unwrap(), became);
        assert_eq!(
            server.lines()[..3],
            ["DELETE /repos/acme/app/actions/runners/73"; 3]
        );
    }
}

#[tokio::test]
async fn a_deregistration_that_is_not_answered_is_not_called_done() {
    for (reply, kind) in [
        (Reply::html(502, "Unicorn!"), ErrorKind::Unavailable),
        (refusal(403, "Forbidden"), ErrorKind::Forbidden),
        (refusal(401, "Bad credentials"), ErrorKind::Unauthorized),
        (Reply::html(200, "Login"), ErrorKind::Unexpected),
        // Somebody between answers, who knows nothing of runners.
        (Reply::html(401, "Proxy"), ErrorKind::Unexpected),
        (Reply::html(403, "Proxy"), ErrorKind::Unexpected),
        (Reply::html(404, "Not Found"), ErrorKind::Unexpected),
        (Reply::html(422, "Proxy"), ErrorKind::Unexpected),
        (Reply::empty(404), ErrorKind::Unexpected),
    ] {
        let server = Server::serve(move |_| reply.clone()).await;
        let error = client(&server).deregister(73).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error:?}");
    }
}

#[tokio::test]
async fn labels_whose_answer_is_lost_are_sent_again() {
    let server = Server::replies([Reply::Close, Reply::json(200, json!({"labels": []}))]).await;
    let labelled = client(&server).label(7, &["gpu".to_owned()]).await;
    assert!(labelled.is_ok(), "{labelled:?}");
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|one| one.body == r#"{"labels":["gpu"]}"#));
}
