//! Registrations with a token, where a server has no just-in-time configurations.

use jiff::SignedDuration;

use super::*;
use crate::model::RegistrationMode;

const JIT: &str = "POST /api/v3/orgs/acme/actions/runners/generate-jitconfig";
const TICKET: &str = "POST /api/v3/orgs/acme/actions/runners/registration-token";

fn ticket(good_for: SignedDuration) -> Reply {
    let until = Timestamp::now() + good_for;
    Reply::json(
        201,
        json!({"token": "AAHUNTER2", "expires_at": until.to_string()}),
    )
}

fn fresh() -> Reply {
    ticket(SignedDuration::from_hours(1))
}

/// A client of a GHES, for an organization.
fn ghes(server: &Server) -> Client {
    let config = ClientConfig {
        api_url: api_url(&server.url()),
        scope: Scope::Org("acme".into()),
        ..config(server)
    };
    Client::new(config).expect("a client")
}

#[track_caller]
fn registration_token(registration: &Registration) -> &RegistrationToken {
    assert_eq!(registration.runner_id, None);
    match &registration.credential {
        RunnerCredential::Token(registration_token) => registration_token,
        other @ RunnerCredential::Jit(_) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ghes_without_jit_is_asked_once_for_all_runners() {
    let server = Server::serve(|seen| match seen.line().as_str() {
        TICKET => fresh(),
        _ => refusal(404, "Not Found"),
    })
    .await;
    let client = ghes(&server);
    let all = (0..64).map(|_| register(&client));
    for registration in futures_util::future::join_all(all).await {
        let registration = registration.unwrap();
        let registration_token = registration_token(&registration);
        assert_eq!(registration_token.token.expose(), "AAHUNTER2");
        assert_eq!(registration_token.group, None);
        assert_eq!(registration_token.url, server.url().join("/acme").unwrap());
        assert!(!format!("{registration:?}").contains("HUNTER2"));
    }
    assert_eq!(server.lines(), [JIT, TICKET]);
}

#[tokio::test]
async fn a_ghes_with_jit_is_never_asked_for_a_token() {
    let mut id = 0;
    let server = Server::serve(move |_| {
        id += 1;
        Reply::json(
            201,
            json!({"runner": runner(id), "encoded_jit_config": "x"}),
        )
    })
    .await;
    let client = ghes(&server);
    let all = (0..4).map(|_| register(&client));
    for registration in futures_util::future::join_all(all).await {
        assert!(registration.unwrap().runner_id.is_some());
    }
    assert_eq!(server.lines(), [JIT; 4]);
    // What a group that is not there gets is no sign of an old server then.
    let server = Server::replies([
        Reply::json(201, json!({"runner": runner(1), "encoded_jit_config": "x"})),
        refusal(404, "Not Found"),
    ])
    .await;
    let client = ghes(&server);
    register(&client).await.unwrap();
    let error = register(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_no_old_ghes_gets_the_advice_of_its_404() {
    // No rights: neither question is answered.
    let server = Server::serve(|_| refusal(404, "Not Found")).await;
    let error = register(&ghes(&server)).await.unwrap_err();
    assert!(
        told(&error).contains("check the name `acme`"),
        "{}",
        told(&error)
    );
    assert_eq!(server.lines(), [JIT, TICKET]);
    // GitHub itself has them: its 404 is a missing right.
    let server = Server::serve(|seen| match seen.line() {
        line if line.ends_with("registration-token") => fresh(),
        _ => refusal(404, "Not Found"),
    })
    .await;
    let error = register(&client(&server)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(server.seen().len(), 1);
    // Nor is a token taken by who wants none.
    let server = Server::serve(|seen| match seen.line().as_str() {
        TICKET => fresh(),
        _ => refusal(404, "Not Found"),
    })
    .await;
    let client = ghes(&server).registering(RegistrationMode::Jit);
    assert_eq!(
        register(&client).await.unwrap_err().kind,
        ErrorKind::NotFound
    );
    assert_eq!(server.lines(), [JIT]);
}

#[tokio::test]
async fn a_lost_answer_tells_nothing_of_the_server() {
    let server = Server::replies([
        Reply::html(502, "Unicorn!"),
        refusal(404, "Not Found"),
        fresh(),
    ])
    .await;
    let client = ghes(&server);
    // It may have registered one.
    let error = register(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    registration_token(&register(&client).await.unwrap());
    assert_eq!(server.lines(), [JIT, JIT, TICKET]);
}

#[tokio::test]
async fn a_token_is_asked_for_again_since_that_registers_nothing() {
    let server = Server::replies([Reply::html(502, "Unicorn!"), Reply::Close, fresh()]).await;
    let client = ghes(&server).registering(RegistrationMode::Token);
    registration_token(&register(&client).await.unwrap());
    assert_eq!(server.lines(), [TICKET; 3]);

    let server = Server::serve(|_| Reply::html(502, "Unicorn!")).await;
    let client = ghes(&server).registering(RegistrationMode::Token);
    let error = register(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "nothing was registered");
}

#[tokio::test]
async fn a_token_that_is_nearly_over_is_not_handed_out_again() {
    let short = ticket(SignedDuration::from_mins(20));
    let odd = Reply::json(201, json!({"token": "AAHUNTER2", "expires_at": "soon"}));
    let server = Server::replies([short, odd, fresh()]).await;
    let client = ghes(&server).registering(RegistrationMode::Token);
    for asked in [1, 2, 3, 3] {
        registration_token(&register(&client).await.unwrap());
        assert_eq!(server.seen().len(), asked);
    }
}

#[tokio::test]
async fn a_group_is_told_by_its_name() {
    let groups = json!({"total_count": 2, "runner_groups": [
        {"id": 1, "name": "Default"}, {"id": 7, "name": "gpu pool"}]});
    let server = Server::serve(move |seen| match seen.target.split('?').next() {
        Some("/api/v3/orgs/acme/actions/runner-groups") => Reply::json(200, &groups),
        Some("/api/v3/orgs/acme/actions/runners/registration-token") => fresh(),
        _ => refusal(404, "Not Found"),
    })
    .await;
    let in_group = |group: u64| {
        let config = ClientConfig {
            api_url: api_url(&server.url()),
            scope: Scope::Org("acme".into()),
            group,
            ..config(&server)
        };
        Client::new(config)
            .unwrap()
            .registering(RegistrationMode::Token)
    };
    let client = in_group(7);
    for _ in 0..2 {
        let registration = register(&client).await.unwrap();
        assert_eq!(
            registration_token(&registration).group.as_deref(),
            Some("gpu pool")
        );
    }
    assert_eq!(server.seen().len(), 2);
    let error = register(&in_group(9)).await.unwrap_err();
    assert_eq!(
        told(&error),
        "could not register runners with `acme`\n  caused by: runner group 9 does not exist"
    );
}

#[tokio::test]
async fn machines_may_reach_the_server_elsewhere() {
    let server = Server::serve(|_| fresh()).await;
    let there = "http://172.17.0.1:8080/".parse().unwrap();
    let client = client(&server)
        .registering(RegistrationMode::Token)
        .reached_at(there);
    let registration = register(&client).await.unwrap();
    let url = &registration_token(&registration).url;
    assert_eq!(url.as_str(), "http://172.17.0.1:8080/acme/app");
}

#[tokio::test]
async fn a_runner_is_found_by_its_whole_name_on_any_page() {
    let ours = json!({"id": 200, "name": name(), "status": "online", "busy": false, "labels": []});
    let mut like = ours.clone();
    like["id"] = json!(199);
    like["name"] = json!(format!("{}x", name()));
    // A server that knows no filter answers with all that it has.
    let next = "</repos/acme/app/actions/runners?per_page=100&page=2>; rel=\"next\"";
    let mut first = runners(102, 1..=100);
    first["runners"][0] = like.clone();
    let second = json!({"total_count": 102, "runners": [ours, runner(300)]});
    let server = Server::serve(move |seen| match query(seen, "page") {
        None => Reply::json(200, &first).with("link", next),
        Some(_) => Reply::json(200, &second),
    })
    .await;
    let found = client(&server).find(&name()).await.unwrap().unwrap();
    assert_eq!(found.id, 200);
    assert_eq!(query(&server.seen()[0], "name"), Some(name().to_string()));

    let only_like = json!({"total_count": 1, "runners": [like]});
    let server = Server::replies([Reply::json(200, only_like)]).await;
    assert_eq!(client(&server).find(&name()).await.unwrap(), None);
}
