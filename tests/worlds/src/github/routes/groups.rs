//! Runner groups.

use serde_json::{Value, json};

use super::page::page;
use crate::github::places::{Group, Visibility};
use crate::github::scope::Scope;
use crate::github::state::State;
use crate::github::wire::{Answer, Call};

/// The groups of an organization or an enterprise; where a repository is named, those it may use.
pub(super) fn all(state: &State, call: &Call, scope: &Scope) -> Answer {
    let visible_to = call.query("visible_to_repository");
    let visible = |group: &Group| match (&visible_to, scope) {
        (Some(name), Scope::Org(org)) => group.is_visible_to(name, &state.repository(org, name)),
        _ => true,
    };
    let groups = state.groups.iter().filter(|(_, group)| visible(group));
    let at = |id: &u64| format!("{}{}/{id}", call.base, call.path);
    let groups = groups.map(|(id, group)| described(scope, *id, group, &at(id)));
    page(call, "runner_groups", groups.collect())
}

/// One group.
pub(super) fn one(state: &State, call: &Call, scope: &Scope, id: &str) -> Answer {
    let found = id
        .parse()
        .ok()
        .and_then(|id| Some((id, state.groups.get(&id)?)));
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
