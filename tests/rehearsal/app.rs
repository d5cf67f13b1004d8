//! GitHub Apps as a client sees them: signatures are verified, and a token opens what it was made for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;

use super::*;
use gharun_worlds::github::Installation;
use gharun_worlds::github::spec::Spec;
use gharun_worlds::keys;

const TOKENS: &str = "/app/installations/7/access_tokens";

fn permissions(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pair = |(name, level): &(&str, &str)| ((*name).to_owned(), (*level).to_owned());
    given.iter().map(pair).collect()
}

/// An app on all of `acme` (7) and on one repository of somebody's (8).
fn scene() -> Scene {
    let scene = Scene::open();
    let installed = |id: u64, scope: &str| Installation {
        app: 1,
        client_id: "Iv1.x".to_owned(),
        key: keys::rsa().public.clone(),
        id,
        scopes: vec![scope.to_owned()],
        permissions: permissions(&[("administration", "write"), ("actions", "read")]),
        suspended: false,
        lasts: Duration::from_hours(1),
    };
    for one in [installed(7, "Acme"), installed(8, "Me/Own")] {
        scene.github.install_app(one);
    }
    scene
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(keys::rsa().pkcs1.as_bytes()).expect("a key");
    encode(&Header::new(Algorithm::RS256), claims, &key).expect("it signs")
}

/// A signature that is good now, by the stand-in's clock.
fn good(scene: &Scene) -> String {
    let now = scene.github.now().as_second();
    signed(&json!({"iss": "1", "iat": now - 60, "exp": now + 540}))
}

/// Lets the scene speak as the app, and then with a token that it got.
fn token(scene: &mut Scene, body: &Value) -> String {
    scene.token = good(scene);
    let got = scene.post(TOKENS, body);
    assert_eq!(got.status, 201, "{}", got.text);
    got.json()["token"].as_str().expect("a token").to_owned()
}

#[test]
fn a_signature_is_verified_by_the_key_of_its_app_and_by_this_clock() {
    let mut scene = scene();
    scene.github.clock_ahead(SignedDuration::from_hours(5));
    let now = scene.github.now().as_second();
    let claims = |iss: Value, iat: i64, exp: i64| {
        signed(&json!({"iss": iss, "iat": now + iat, "exp": now + exp}))
    };
    let fine = claims(json!("1"), -60, 540);
    let parts: Vec<&str> = fine.split('.').collect();
    let other = URL_SAFE_NO_PAD.encode(format!(
        "{{\"iss\":\"1\",\"iat\":{now},\"exp\":{}}}",
        now + 599
    ));
    let forged = format!("{}.{other}.{}", parts[0], parts[2]);
    let nobody = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\",\"typ\":\"JWT\"}");
    for (token, status, message) in [
        (fine.clone(), 200, ""),
        (claims(json!(1), -60, 540), 200, ""),
        (claims(json!("Iv1.x"), 0, 595), 200, ""),
        (claims(json!("2"), -60, 540), 404, "Integration not found"),
        (claims(json!(null), -60, 540), 401, "Missing 'issuer'"),
        (claims(json!("1"), 30, 540), 401, "'Issued at' claim"),
        (
            claims(json!("1"), -600, -1),
            401,
            "'Expiration time' claim ('exp') must",
        ),
        (
            claims(json!("1"), -60, 700),
            401,
            "('exp') is too far in the future",
        ),
        (forged, 401, "could not be decoded"),
        (
            format!("{nobody}.{}.", parts[1]),
            401,
            "could not be decoded",
        ),
        ("ghp_pretend".to_owned(), 401, "could not be decoded"),
        (String::new(), 401, "Requires authentication"),
    ] {
        scene.token = token;
        let got = scene.get("/repos/acme/app/installation");
        assert_eq!(got.status, status, "{message}: {}", got.text);
        assert!(got.message().contains(message), "{message}: {}", got.text);
    }
}

#[test]
fn an_installation_is_found_where_it_is() {
    let mut scene = scene();
    scene.token = good(&scene);
    for (path, id) in [
        ("/repos/acme/app/installation", Some(7)),
        ("/repos/ACME/other/installation", Some(7)),
        ("/orgs/acme/installation", Some(7)),
        ("/repos/me/own/installation", Some(8)),
        ("/repos/me/other/installation", None),
        ("/orgs/me/installation", None),
        ("/enterprises/acme/installation", None),
    ] {
        let got = scene.get(path);
        assert_eq!(got.json()["id"].as_u64(), id, "{path}: {}", got.text);
        assert_eq!(got.status, if id.is_some() { 200 } else { 404 }, "{path}");
    }
}

#[test]
fn no_token_is_made_for_more_than_the_installation_has() {
    let mut scene = scene();
    scene.token = good(&scene);
    let answers = [
        (json!({"permissions": {"administration": "write"}}), 201),
        (
            json!({"permissions": {"actions": "read", "metadata": "read"}}),
            201,
        ),
        (json!({"permissions": {"actions": "write"}}), 422),
        (
            json!({"permissions": {"organization_self_hosted_runners": "write"}}),
            422,
        ),
        (json!({"permissions": "all"}), 422),
        (json!({"repositories": ["app", "other"]}), 201),
    ];
    for (body, status) in answers {
        let got = scene.post(TOKENS, &body);
        assert_eq!(got.status, status, "{body}: {}", got.text);
    }
    let own = "/app/installations/8/access_tokens";
    assert_eq!(
        scene.post(own, &json!({"repositories": ["own"]})).status,
        201
    );
    assert_eq!(
        scene.post(own, &json!({"repositories": ["app"]})).status,
        422
    );
    assert_eq!(
        scene
            .post("/app/installations/9/access_tokens", &json!({}))
            .status,
        404
    );
    scene
        .github
        .change_installation(7, |app| app.suspended = true);
    assert_eq!(scene.post(TOKENS, &json!({})).status, 403);
    // Nobody but the app gets a token.
    scene.token = "ghp_pretend".to_owned();
    assert_eq!(scene.post(own, &json!({})).status, 401);
}

#[test]
fn a_token_opens_what_it_was_made_for_and_nothing_else() {
    let mut scene = scene();
    scene.github.set_run(7, 1, "in_progress");
    let runs = "/repos/acme/app/actions/runs/7";
    let runners = "/repos/acme/app/actions/runners";
    let status = |scene: &Scene, path: &str| scene.get(path).status;

    let all = token(&mut scene, &json!({}));
    let narrow = token(
        &mut scene,
        &json!({"repositories": ["app"], "permissions": {"administration": "read"}}),
    );
    scene.token = all;
    assert_eq!(scene.register("a").status, 201);
    for path in [runs, runners, "/repos/acme/other/actions/runners"] {
        assert_eq!(status(&scene, path), 200, "{path}");
    }
    assert_eq!(status(&scene, "/orgs/acme/actions/runners"), 403);
    assert_eq!(status(&scene, "/enterprises/acme/actions/runners"), 403);
    assert_eq!(status(&scene, "/repos/me/own/actions/runners"), 404);

    scene.token = narrow;
    assert_eq!(status(&scene, runners), 200);
    assert_eq!(status(&scene, "/repos/acme/app"), 200);
    assert_eq!(status(&scene, "/repos/actions/runner/releases/latest"), 200);
    assert_eq!(status(&scene, "/repos/acme/other/actions/runners"), 404);
    for got in [scene.register("b"), scene.get(runs)] {
        assert_eq!(got.status, 403);
        assert_eq!(got.message(), "Resource not accessible by integration");
    }
    let asked = scene.get(runs);
    assert_eq!(
        asked.header("x-accepted-github-permissions"),
        Some("actions=read")
    );
}

#[test]
fn a_token_ends_with_its_time_and_when_it_is_taken_back() {
    let mut scene = scene();
    let runners = format!("{REPO}/runners");
    let (first, second) = (token(&mut scene, &json!({})), token(&mut scene, &json!({})));
    assert_eq!(
        scene.get(&runners).status,
        401,
        "a signature opens only its own door"
    );
    scene.token = first;
    assert_eq!(scene.get(&runners).status, 200);
    assert_eq!(scene.delete("/installation/token").status, 204);
    assert_eq!(scene.get(&runners).status, 401);
    assert_eq!(scene.delete("/installation/token").status, 401);
    scene.token = second;
    assert_eq!(scene.get(&runners).status, 200);
    scene.github.clock_ahead(SignedDuration::from_mins(61));
    assert_eq!(scene.get(&runners).status, 401);
    assert_eq!(
        scene.get("/repos/actions/runner/releases/latest").status,
        401
    );
}

#[test]
fn what_an_app_is_answered_is_as_github_describes_it() {
    let Some(spec) = Spec::load() else { return };
    let mut scene = scene();
    scene.github.add_job(7, 1, "gpu");
    let narrow = token(
        &mut scene,
        &json!({"repositories": ["app"], "permissions": {"actions": "read"}}),
    );
    for scope in ["/repos/acme/app", "/repos/me/no", "/orgs/acme", "/orgs/me"] {
        scene.get(&format!("{scope}/installation"));
    }
    let none = scene.send(&Method::POST, TOKENS, &[], None, PATIENCE);
    none.expect("an answer");
    scene.post(TOKENS, &json!({"permissions": {"contents": "write"}}));
    scene.post("/app/installations/9/access_tokens", &json!({}));
    scene
        .github
        .change_installation(7, |app| app.suspended = true);
    scene.post(TOKENS, &json!({}));
    scene.get("/orgs/acme/installation");
    scene
        .github
        .change_installation(7, |app| app.suspended = false);
    scene.token = narrow;
    scene.get("/repos/acme/app/actions/runs/7/jobs");
    scene.get("/repos/acme/app/actions/runners");
    scene.delete("/installation/token");
    scene.post(TOKENS, &json!({}));
    let mut statuses = Vec::new();
    for seen in scene.github.requests() {
        let status = seen.status.expect("nothing is withheld here");
        let (path, body) = (seen.api_path(), seen.answer_json());
        let checked = spec.check_answer(&seen.method, path, status, body.as_ref());
        assert_eq!(checked, Ok(()), "{path}");
        assert!(seen.route.is_some(), "{path}");
        statuses.push(status);
    }
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [200, 201, 204, 401, 403, 404, 422]);
}
