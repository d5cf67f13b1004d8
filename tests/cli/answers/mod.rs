//! Every answer that GitHub was seen to give, beyond what it describes, and what a user then reads.
//!
//! The answers are read from a list of such observations; a case of it that is not in [`CASES`] fails.

use std::collections::BTreeSet;

use gharun_worlds::github::{Exchange, Fault, Kind, Page};
use serde_json::{Value, json};

use crate::life::slots;
use crate::world::World;
use gharun_worlds::github::spec::observed;

mod runners;
mod service;
mod tokens;

/// The test of each case.
const CASES: [(&str, fn()); 18] = [
    (
        "api_version.gone",
        service::an_old_version_of_the_api_is_told_to_update,
    ),
    ("auth.bad", tokens::a_bad_token_is_told_by_every_command),
    (
        "auth.fg_pat",
        tokens::a_fine_grained_token_is_told_its_permission,
    ),
    (
        "auth.github_token",
        tokens::github_token_is_told_what_can_do_it,
    ),
    (
        "auth.not_admin",
        tokens::somebody_who_is_no_admin_is_told_so,
    ),
    ("jit.created", runners::a_runner_is_registered_and_removed),
    (
        "jit.group_forbidden",
        runners::githubs_own_group_is_told_to_take_none,
    ),
    (
        "jit.group_missing",
        runners::a_group_that_is_not_there_is_told,
    ),
    (
        "jit.name_taken",
        runners::a_name_that_is_taken_is_given_up_for_another,
    ),
    (
        "jit.no_group",
        runners::a_request_without_a_group_would_be_a_bug,
    ),
    (
        "jit.no_labels",
        runners::a_request_without_labels_would_be_a_bug,
    ),
    (
        "list.not_modified",
        service::what_has_not_changed_is_not_sent_again,
    ),
    (
        "rate.primary",
        service::a_used_up_limit_is_waited_for_or_told,
    ),
    ("rate.secondary", service::a_secondary_limit_is_waited_for),
    ("repo.moved", service::a_renamed_repository_is_followed),
    ("runner.busy", runners::a_busy_runner_is_kept_or_told),
    ("runner.gone", runners::a_runner_that_is_gone_is_a_success),
    ("server.5xx", service::a_page_of_a_front_end_is_told_as_one),
];

/// A case as it was observed.
struct Case {
    code: u16,
    body: Page,
    headers: Vec<(String, String)>,
}

impl Case {
    /// The case of a name; `None` where the list is absent, which is said.
    fn of(id: &str) -> Option<Self> {
        let observed = observed()?;
        let all = observed["cases"].as_array().expect("cases");
        let case = all
            .iter()
            .find(|case| case["id"] == id)
            .unwrap_or_else(|| panic!("{id} is not among the cases"));
        let code = case["status"]
            .as_u64()
            .and_then(|code| code.try_into().ok());
        let code: u16 = code.expect("a status");
        // Where a case shows no body, the form that GitHub describes for errors.
        let plain = json!({ "message": "", "documentation_url": "", "status": code.to_string() });
        let body = match (&case["body"], &case["body_text"]) {
            (_, Value::String(page)) => Page::Html(page.clone()),
            (Value::Null, _) => Page::Json(plain),
            (body, _) => Page::Json(body.clone()),
        };
        Some(Self {
            code,
            body,
            headers: Vec::new(),
        })
    }

    fn with(mut self, header: &str, value: &str) -> Self {
        self.headers.push((header.to_owned(), value.to_owned()));
        self
    }

    fn message(&self) -> &Value {
        match &self.body {
            Page::Json(body) => &body["message"],
            Page::Html(_) => &Value::Null,
        }
    }

    fn kind(&self) -> Kind {
        Kind::Status {
            code: self.code,
            body: self.body.clone(),
            headers: self.headers.clone(),
        }
    }

    /// Answers so once.
    fn once(&self, world: &World, method: &str, path: &str) {
        let fault = Fault::once(method, path, self.kind());
        world.github.fault(fault);
    }

    /// Answers so for ever.
    fn always(&self, world: &World, method: &str, path: &str) {
        let fault = Fault::once(method, path, self.kind()).times(u32::MAX);
        world.github.fault(fault);
    }

    /// Checks that the stand-in by itself answered so.
    #[track_caller]
    fn was_answered(&self, world: &World, path: &str) {
        let requests = world.github.requests();
        let same = |one: &&Exchange| {
            one.path.contains(path)
                && one.status == Some(self.code)
                && one
                    .answer_json()
                    .is_some_and(|body| body["message"] == *self.message())
        };
        assert!(
            requests.iter().any(|one| same(&one)),
            "{} was not answered",
            self.code
        );
    }
}

/// Nothing was made, or nothing is left of it.
#[track_caller]
fn nothing(world: &World) {
    world.github.heal();
    assert!(world.stub.runners().is_empty(), "registrations are left");
    assert_eq!(slots(world), 0, "machines are left");
}

#[test]
fn every_case_has_a_test() {
    let Some(observed) = observed() else { return };
    let cases = observed["cases"].as_array().expect("cases");
    let known: BTreeSet<&str> = cases
        .iter()
        .filter_map(|case| case["id"].as_str())
        .collect();
    assert_eq!(known, BTreeSet::from(CASES.map(|(id, _)| id)));
}
