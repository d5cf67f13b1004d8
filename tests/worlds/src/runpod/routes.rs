//! From a request to its answer: keys, scopes, the description, the routes.

use serde_json::{Value, json};

use super::rules::Scope;
use super::spec::Spec;
use super::wire::{Answer, Asked};
use super::world::World;
use crate::random;

impl World {
    /// Answers a request as `RunPod` would on a good day.
    pub(super) fn answer(&mut self, asked: &Asked) -> Answer {
        let mut answer = self.judge(asked);
        answer = answer.with("x-request-id", format!("req-{}", random(12)));
        if !answer.headers.iter().any(|(name, _)| name == "ratelimit") {
            answer = answer.with("ratelimit", "\"minute\";r=59;t=60").with(
                "ratelimit-policy",
                "\"minute\";q=60;w=60, \"hour\";q=3000;w=3600",
            );
        }
        let body: Option<Value> = serde_json::from_str(&answer.body).ok();
        let (method, path) = (&asked.method, &asked.path);
        if Spec::is_here()
            && Self::route(asked).is_some()
            && let Err(wrong) = self.spec.answer(method, path, answer.status, body.as_ref())
        {
            self.ill_said.push(wrong);
        }
        answer
    }

    fn route(asked: &Asked) -> Option<(&str, Vec<&str>)> {
        let rest = asked.path.strip_prefix("/v2/")?;
        let (first, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let parts = if rest.is_empty() || first == "catalog" {
            Some(rest)
                .filter(|rest| !rest.is_empty())
                .into_iter()
                .collect()
        } else {
            rest.split('/').collect()
        };
        Some((first, parts))
    }

    fn judge(&mut self, asked: &Asked) -> Answer {
        if asked.path.starts_with("/v1/") {
            return Answer::problem(410, "REST v1 is gone; use v2");
        }
        let Some((first, rest)) = Self::route(asked) else {
            return Answer::problem(404, "no such route");
        };
        let Some(key) = asked.bearer() else {
            return Answer::problem(401, "missing bearer token");
        };
        let Some(scope) = self.keys.get(key) else {
            return Answer::problem(401, "invalid bearer token");
        };
        let allowed = match scope {
            Scope::Full => true,
            Scope::Read => asked.method == "GET",
            Scope::Nothing => false,
            Scope::Pod(own) => {
                first == "pods" && rest.first() == Some(&own.as_str()) && asked.method != "PATCH"
            }
        };
        if !allowed {
            return Answer::problem(403, "access denied");
        }
        if asked.is_too_large() {
            return Answer::problem(413, "the body is larger than 102400 bytes");
        }
        if !asked.text.is_empty() && asked.body.is_none() {
            self.violations.push(format!(
                "{} {}: the body is no JSON",
                asked.method, asked.path
            ));
            return Answer::problem(400, "the body is no JSON");
        }
        let wrong = self.spec.request(
            &asked.method,
            &asked.path,
            &asked.query,
            asked.body.as_ref(),
        );
        if !wrong.is_empty() {
            for one in &wrong {
                self.violations
                    .push(format!("{} {}: {one}", asked.method, asked.path));
            }
            return Answer::problems(422, "the request does not match the contract", &wrong);
        }
        let answer = match first {
            "pods" => self.pods(&rest, asked),
            "catalog" if asked.method == "GET" => {
                match self.catalog(rest.first().unwrap_or(&""), asked) {
                    None => return Answer::problem(404, "no such route"),
                    answer => answer,
                }
            }
            "network-volumes" => self.keep("networkVolumes", &rest, asked),
            "registries" => self.keep("registries", &rest, asked),
            "account" if rest == ["ssh-keys"] && asked.method == "GET" => {
                Some(Answer::json(200, &json!({"keys": []})))
            }
            "catalog" | "account" => None,
            _ => return Answer::problem(404, "no such route"),
        };
        answer.unwrap_or_else(|| {
            let what = format!("{} is not allowed here", asked.method);
            Answer::problem(405, &what)
        })
    }

    /// Volumes and registries: made, shown, changed, thrown away.
    fn keep(&mut self, what: &str, rest: &[&str], asked: &Asked) -> Option<Answer> {
        let volumes = what == "networkVolumes";
        let rows = if volumes {
            &mut self.volumes
        } else {
            &mut self.registries
        };
        let body = asked.body.clone().unwrap_or_default();
        Some(match (asked.method.as_str(), rest) {
            ("GET", []) => {
                let all: Vec<&Value> = rows.values().collect();
                Answer::json(200, &json!({what: all}))
            }
            ("POST", []) => {
                let id = random(10);
                let mut made = json!({"id": id, "name": body["name"]});
                if volumes {
                    made["size"] = body["size"].clone();
                    made["dataCenter"] = body["dataCenter"].clone();
                    made["type"] = body.get("type").cloned().unwrap_or(json!("STANDARD"));
                }
                rows.insert(id, made.clone());
                Answer::json(201, &made)
            }
            (method, [id]) => {
                let Some(found) = rows.get_mut(*id) else {
                    return Some(Answer::problem(404, &format!("`{id}` was not found")));
                };
                match method {
                    "GET" => Answer::json(200, found),
                    "PATCH" if volumes => {
                        for (key, value) in body.as_object().into_iter().flatten() {
                            found[key.as_str()] = value.clone();
                        }
                        Answer::json(200, found)
                    }
                    "DELETE" => {
                        rows.remove(*id);
                        Answer::nothing()
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }
}
