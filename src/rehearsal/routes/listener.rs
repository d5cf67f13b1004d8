//! What the stub runner talks about with the stand-in. Every answer is plain text whose first word
//! decides, and has status 200, so that any shell's downloader can carry it.

use super::registration::HOSTED;
use super::{Call, RUNNER_SERVICE, registration};
use crate::model::Scope;
use crate::rehearsal::answer::Answer;
use crate::rehearsal::world::{Errand, Held, Hello, Registrant, Scene, Welcome, World, folded};

/// Answers the stub runner, after up to `Lags::hold`.
pub(in crate::rehearsal) async fn talk(world: &World, call: &Call) -> Answer {
    let body = String::from_utf8_lossy(call.body()).into_owned();
    let path = call.path.trim_start_matches(RUNNER_SERVICE);
    let segments: Vec<&str> = path.split('/').collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("POST", ["register"]) => world.change(|scene| register(scene, &body)),
        ("POST", ["session"]) => world.change(|scene| session(scene, &body)),
        ("POST", ["session", session, "message"]) => message(world, session).await,
        ("POST", ["session", session, "renew"]) => {
            let hold = world.read(|scene| scene.lags.hold);
            let _held = Held::begin(world, session);
            let over = world.hold(hold, |scene| scene.job_over(session).then_some(()));
            let over = over.await.is_some();
            Answer::text(if over { "over\n" } else { "running\n" })
        }
        ("POST", ["session", session, "finish"]) => {
            let conclusion = match body.trim() {
                "Succeeded" => "success",
                "Canceled" => "cancelled",
                _ => "failure",
            };
            world.change(|scene| scene.finish(session, conclusion));
            Answer::text("done\n")
        }
        ("POST", ["session", session, "close"]) => {
            world.change(|scene| scene.close(session));
            Answer::text("done\n")
        }
        _ => Answer::not_found(),
    }
}

/// `AGENT CLIENT SYSTEM VERSION`.
fn session(scene: &mut Scene, body: &str) -> Answer {
    let words: Vec<&str> = body.split_whitespace().collect();
    let [agent, client, system, version] = words.as_slice() else {
        return Answer::text("gone\n");
    };
    let os = match *system {
        "Darwin" => "macos".to_owned(),
        other => other.to_lowercase(),
    };
    let welcome = scene.connect(&Hello {
        agent: agent.parse().unwrap_or(0),
        client,
        os: &os,
        version,
    });
    Answer::text(match welcome {
        Welcome::Conflict => "conflict\n".to_owned(),
        Welcome::Gone => "gone\n".to_owned(),
        Welcome::Session(id) => format!("session {id}\n"),
    })
}

/// `job NUMBER SECONDS RUN ATTEMPT`, then a line with its name, then its script.
async fn message(world: &World, session: &str) -> Answer {
    let hold = world.read(|scene| scene.lags.hold);
    let _held = Held::begin(world, session);
    let errand = world.hold(hold, |scene| scene.errand(session)).await;
    Answer::text(match errand {
        None => "none\n".to_owned(),
        Some(Errand::Gone) => "gone\n".to_owned(),
        Some(Errand::Job { id, run, spec }) => format!(
            "job {id} {} {} {}\n{}\n{}\n",
            spec.duration.as_secs_f64(),
            run.id,
            run.attempt,
            spec.name.replace(['\n', '\r'], " "),
            spec.script.as_deref().unwrap_or_default(),
        ),
    })
}

/// What `config.sh` calls: lines of `key=value`; `agent` and the two files that it writes are answered.
fn register(scene: &mut Scene, body: &str) -> Answer {
    let find = |wanted: &str| {
        body.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| *key == wanted)
            .map_or("", |(_, value)| value.trim())
    };
    let Some(scope) = scope(find("url")) else {
        return Answer::text("error The URL names no repository, organization or enterprise\n");
    };
    let token = find("token");
    let known = scene
        .tickets
        .iter()
        .any(|ticket| ticket.token == token && ticket.scope == scope);
    if !known {
        let path = "/actions/runner-registration";
        return Answer::text(format!(
            "error Http response code: NotFound from 'POST {}{path}'\n",
            scene.base
        ));
    }
    let name = find("name").to_owned();
    if find("replace") == "yes" {
        scene.replace(&scope, &name);
    }
    if name.is_empty() || scene.name_taken(&scope, &name) {
        return Answer::text(format!(
            "error A runner exists with the same name {name}.\n"
        ));
    }
    let wanted = match find("group") {
        "" => "Default",
        group => group,
    };
    let mut groups = scene.groups.iter();
    let group = groups.find(|(_, group)| group.name.eq_ignore_ascii_case(wanted));
    let Some(group) = group.map(|(id, _)| *id).filter(|id| *id != HOSTED) else {
        return Answer::text(format!(
            "error Could not find any self-hosted runner group named \"{wanted}\".\n"
        ));
    };
    let labels = find("labels").split(',').map(str::trim);
    let id = scene.add_row(Registrant {
        scope,
        name,
        group,
        labels: labels
            .filter(|label| !label.is_empty())
            .map(str::to_lowercase)
            .collect(),
        work_folder: "_work".to_owned(),
        ephemeral: find("ephemeral") == "yes",
    });
    Answer::text(format!("blob {}\n", registration::blob(scene, id).expose()))
}

/// The scope that a page of GitHub's site is about.
fn scope(url: &str) -> Option<Scope> {
    let url = url::Url::parse(url).ok()?;
    let parts: Vec<&str> = url
        .path_segments()?
        .filter(|part| !part.is_empty())
        .collect();
    let scope = match parts.as_slice() {
        ["enterprises", slug] => Scope::Enterprise((*slug).to_owned()),
        [org] => Scope::Org((*org).to_owned()),
        [owner, name] => Scope::Repo {
            owner: (*owner).to_owned(),
            name: (*name).to_owned(),
        },
        _ => return None,
    };
    Some(folded(&scope))
}
