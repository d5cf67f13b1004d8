//! One page of a list.

use serde_json::{Value, json};

use crate::github::wire::{Answer, Call};

/// Entries a page where the question does not say, and at most.
const PAGE: usize = 30;
const LARGEST_PAGE: usize = 100;

/// One page of a list, with the addresses of the others.
pub(in crate::github) fn page(call: &Call, key: &str, all: Vec<Value>) -> Answer {
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
