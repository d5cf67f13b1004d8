//! The list of runners, one of them, and its end.

use serde_json::{Value, json};

use super::{Call, Found, Ground, files, registration};
use crate::model::Scope;
use crate::rehearsal::answer::Answer;
use crate::rehearsal::auth::Need;
use crate::rehearsal::world::{Deletion, Group, RunnerRow, Scene, Visibility, written};

/// Entries a page where the question does not say, and at most.
const PAGE: usize = 30;
const LARGEST_PAGE: usize = 100;

/// What it takes to `read` or `write` the runners of a scope.
pub(super) fn need(ground: &Ground, access: &str) -> Need {
    let permission = ground.permission;
    Need::Runners(permission.map(|permission| format!("{permission}={access}")))
}

pub(super) fn find<'a>(method: &str, ground: &Ground, rest: &'a [&'a str]) -> Option<Found<'a>> {
    let route = |tail: &str| format!("{}/actions/runners{tail}", ground.route);
    let (read, write) = (need(ground, "read"), need(ground, "write"));
    let scope = ground.scope.clone();
    let found = match (method, rest) {
        ("GET", []) => Found::new(route(""), read, move |scene, call| {
            list(scene, call, &scope)
        }),
        ("GET", ["downloads"]) => Found::new(route("/downloads"), read, |scene, _| {
            files::downloads(scene)
        }),
        ("POST", ["generate-jitconfig"]) => {
            Found::new(route("/generate-jitconfig"), write, move |scene, call| {
                registration::just_in_time(scene, call, &scope)
            })
        }
        ("POST", [kind @ ("registration-token" | "remove-token")]) => {
            Found::new(route(&format!("/{kind}")), write, move |scene, _| {
                let (token, until) = scene.ticket(&scope);
                Answer::created(json!({ "token": token, "expires_at": written(until) }))
            })
        }
        ("GET", ["deprecations", version]) => {
            Found::new(route("/deprecations/{version}"), read, |scene, _| {
                registration::deprecation(scene, version)
            })
        }
        ("GET", [id]) => Found::new(route("/{runner_id}"), read, move |scene, _| {
            let id = id.parse::<u64>().ok();
            let rows = scene.rows_of(&scope);
            let row = rows.iter().find(|row| Some(row.id) == id);
            row.map_or_else(Answer::not_found, |row| Answer::json(runner(row)))
        }),
        ("POST", [id, "labels"]) => {
            Found::new(route("/{runner_id}/labels"), write, move |scene, call| {
                label(scene, call, &scope, id)
            })
        }
        ("DELETE", [id]) => Found::new(route("/{runner_id}"), write, move |scene, _| {
            id.parse()
                .map_or_else(|_| Answer::not_found(), |id| delete(scene, &scope, id))
        }),
        _ => return None,
    };
    Some(found)
}

/// A runner as GitHub describes it.
pub(super) fn runner(row: &RunnerRow) -> Value {
    let labels: Vec<Value> = row
        .labels
        .iter()
        .zip(1..)
        .map(|(name, id)| json!({ "id": row.id * 1000 + id, "name": name, "type": "read-only" }))
        .collect();
    let mut value = json!({
        "id": row.id,
        "name": row.name,
        "os": row.os,
        "status": if row.online { "online" } else { "offline" },
        "busy": row.busy,
        "ephemeral": row.ephemeral,
        "labels": labels,
        "version": row.version,
    });
    // At the level of a repository there are no groups.
    if !matches!(row.scope, Scope::Repo { .. }) {
        value["runner_group_id"] = json!(row.group);
    }
    value
}

fn list(scene: &Scene, call: &Call, scope: &Scope) -> Answer {
    let mut rows = scene.rows_of(scope);
    if let Some(name) = call.query("name") {
        rows.retain(|row| row.name == name);
    }
    let all: Vec<Value> = rows.iter().map(runner).collect();
    page(call, "runners", all)
}

/// One page of a list, with the addresses of the others.
pub(super) fn page(call: &Call, key: &str, all: Vec<Value>) -> Answer {
    let size = call.number("per_page").unwrap_or(PAGE);
    let size = size.clamp(1, LARGEST_PAGE);
    let number = call.number("page").unwrap_or(1).max(1);
    let total = all.len();
    let last = total.div_ceil(size).max(1);
    let entries: Vec<Value> = all
        .into_iter()
        .skip((number - 1).saturating_mul(size))
        .take(size)
        .collect();
    let mut answer = Answer::json(json!({ "total_count": total, key: entries }));
    // What the other pages are to be asked for, too.
    let kept = ["name", "visible_to_repository"].map(|key| Some((key, call.query(key)?)));
    let link = |page: usize, relation: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in kept.iter().flatten() {
            query.append_pair(key, value);
        }
        query.append_pair("per_page", &size.to_string());
        query.append_pair("page", &page.to_string());
        let (base, path) = (&call.base, &call.path);
        format!("<{base}{path}?{}>; rel=\"{relation}\"", query.finish())
    };
    let mut links = Vec::new();
    if number > 1 {
        links.push(link(1, "first"));
        links.push(link((number - 1).min(last), "prev"));
    }
    if number < last {
        links.push(link(number + 1, "next"));
        links.push(link(last, "last"));
    }
    if !links.is_empty() {
        answer = answer.with("link", links.join(", "));
    }
    answer
}

/// Adds labels to a runner, and answers with all that it has then.
fn label(scene: &mut Scene, call: &Call, scope: &Scope, id: &str) -> Answer {
    let body: Value = serde_json::from_slice(call.body()).unwrap_or_default();
    let labels = body["labels"].as_array().cloned().unwrap_or_default();
    let labels: Vec<String> = labels
        .iter()
        .filter_map(|label| Some(label.as_str()?.to_lowercase()))
        .collect();
    if labels.is_empty() {
        return Answer::error(
            422,
            "Invalid property /labels: 1 item required; only 0 were supplied.",
        );
    }
    let id = id.parse::<u64>().ok();
    let rows = scene.rows_of(scope);
    let Some(row) = rows.iter().find(|row| Some(row.id) == id) else {
        return Answer::not_found();
    };
    scene.label(row.id, labels);
    let rows = scene.rows_of(scope);
    let row = rows.iter().find(|row| Some(row.id) == id);
    row.map_or_else(Answer::not_found, |row| {
        let labels = runner(row)["labels"].take();
        let number = labels.as_array().map_or(0, Vec::len);
        Answer::json(json!({ "total_count": number, "labels": labels }))
    })
}

fn delete(scene: &mut Scene, scope: &Scope, id: u64) -> Answer {
    let name = scene.row(id).map(|row| row.as_registered.name.clone());
    match scene.delete(scope, id) {
        Deletion::Absent => Answer::not_found(),
        Deletion::Done => Answer::nothing(),
        Deletion::Busy => Answer::error(
            422,
            &format!(
                "Runner \"{}\" is currently running a job and cannot be deleted.",
                name.unwrap_or_default()
            ),
        ),
    }
}

/// The groups of an organization or an enterprise; where a repository is named, those it may use.
pub(super) fn groups(scene: &Scene, call: &Call, scope: &Scope) -> Answer {
    let visible_to = call.query("visible_to_repository");
    let visible = |group: &Group| match (&visible_to, scope) {
        (Some(name), Scope::Org(org)) => group.is_visible_to(name, &scene.repository(org, name)),
        _ => true,
    };
    let groups = scene.groups.iter().filter(|(_, group)| visible(group));
    let at = |id: &u64| format!("{}{}/{id}", call.base, call.path);
    let groups = groups.map(|(id, group)| described(scope, *id, group, &at(id)));
    page(call, "runner_groups", groups.collect())
}

/// One group.
pub(super) fn group(scene: &Scene, call: &Call, scope: &Scope, id: &str) -> Answer {
    let found = id
        .parse()
        .ok()
        .and_then(|id| Some((id, scene.groups.get(&id)?)));
    let at = format!("{}{}", call.base, call.path);
    found.map_or_else(Answer::not_found, |(id, group)| {
        Answer::json(described(scope, id, group, &at))
    })
}

fn described(scope: &Scope, id: u64, group: &Group, at: &str) -> Value {
    let mut value = json!({
        "id": id,
        "name": group.name,
        "visibility": match group.visibility {
            Visibility::Private if matches!(scope, Scope::Org(_)) => "private",
            // An enterprise has organizations, which are all or some.
            Visibility::All | Visibility::Private => "all",
            Visibility::Selected(_) => "selected",
        },
        "default": id == 1,
        "runners_url": format!("{at}/runners"),
        "allows_public_repositories": group.public_repositories,
        "restricted_to_workflows": group.workflows.is_some(),
        "selected_workflows": group.workflows.clone().unwrap_or_default(),
        "workflow_restrictions_read_only": false,
    });
    let selected = matches!(group.visibility, Visibility::Selected(_));
    if matches!(scope, Scope::Org(_)) {
        value["inherited"] = json!(false);
        if selected {
            value["selected_repositories_url"] = json!(format!("{at}/repositories"));
        }
    } else if selected {
        value["selected_organizations_url"] = json!(format!("{at}/organizations"));
    }
    value
}
