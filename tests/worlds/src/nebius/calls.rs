//! The calls in one table, and what each of them comes to.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::conditions::CancelPath;
use super::inner::Inner;
use super::refusal::Refusal;
use super::rows::Asked;
use super::world::{World, may_list, owned};
use super::{beyond, catalog, metadata};

/// One call: `request` and `answer` are messages of Nebius' description, empty where it has none.
#[derive(Debug)]
pub struct Call {
    /// What tests name it by.
    pub name: &'static str,
    /// The HTTP verb.
    pub verb: &'static str,
    /// The path; `{id}` is one segment of it, or what comes before `:`.
    pub path: &'static str,
    /// The message that path, query and body make.
    pub request: &'static str,
    /// The message that is answered.
    pub answer: &'static str,
}

const fn call(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    request: &'static str,
    answer: &'static str,
) -> Call {
    Call {
        name,
        verb,
        path,
        request,
        answer,
    }
}

const OPERATION: &str = "nebius.common.v1.Operation";
const GET_OPERATION: &str = "nebius.common.v1.GetOperationRequest";

/// All that the gateway takes (<https://docs.nebius.com/rest-api>). The paths of quotas, projects and
/// tenants follow the others'; none of their messages is described here.
#[rustfmt::skip]
pub static CALLS: &[Call] = &[
    call("jobs.create", "POST", "/ai/v1/jobs", "nebius.ai.v1.CreateJobRequest", OPERATION),
    call("jobs.list", "GET", "/ai/v1/jobs", "nebius.ai.v1.ListJobsRequest", "nebius.ai.v1.ListJobsResponse"),
    call("jobs.cancel", "POST", "/ai/v1/jobs/cancel", "nebius.ai.v1.CancelJobRequest", OPERATION),
    call("jobs.cancel-colon", "POST", "/ai/v1/jobs/{id}:cancel", "nebius.ai.v1.CancelJobRequest", OPERATION),
    call("jobs.get", "GET", "/ai/v1/jobs/{id}", "nebius.ai.v1.GetJobRequest", "nebius.ai.v1.Job"),
    call("jobs.delete", "DELETE", "/ai/v1/jobs/{id}", "nebius.ai.v1.DeleteJobRequest", OPERATION),
    call("operations.get", "GET", "/ai/v1/operations/{id}", GET_OPERATION, OPERATION),
    call("operations.get", "GET", "/compute/v1/operations/{id}", GET_OPERATION, OPERATION),
    call("instances.create", "POST", "/compute/v1/instances", "nebius.compute.v1.CreateInstanceRequest", OPERATION),
    call("instances.list", "GET", "/compute/v1/instances", "nebius.compute.v1.ListInstancesRequest", "nebius.compute.v1.ListInstancesResponse"),
    call("instances.get", "GET", "/compute/v1/instances/{id}", "nebius.compute.v1.GetInstanceRequest", "nebius.compute.v1.Instance"),
    call("instances.delete", "DELETE", "/compute/v1/instances/{id}", "nebius.compute.v1.DeleteInstanceRequest", OPERATION),
    call("disks.create", "POST", "/compute/v1/disks", "nebius.compute.v1.CreateDiskRequest", OPERATION),
    call("disks.list", "GET", "/compute/v1/disks", "nebius.compute.v1.ListDisksRequest", "nebius.compute.v1.ListDisksResponse"),
    call("disks.get", "GET", "/compute/v1/disks/{id}", "nebius.compute.v1.GetDiskRequest", "nebius.compute.v1.Disk"),
    call("disks.delete", "DELETE", "/compute/v1/disks/{id}", "nebius.compute.v1.DeleteDiskRequest", OPERATION),
    call("platforms.list", "GET", "/compute/v1/platforms", "nebius.compute.v1.ListPlatformsRequest", "nebius.compute.v1.ListPlatformsResponse"),
    call("subnets.list", "GET", "/vpc/v1/subnets", "nebius.vpc.v1.ListSubnetsRequest", "nebius.vpc.v1.ListSubnetsResponse"),
    call("subnets.get", "GET", "/vpc/v1/subnets/{id}", "nebius.vpc.v1.GetSubnetRequest", "nebius.vpc.v1.Subnet"),
    call("advices.list", "GET", "/capacity/v1/resourceAdvices", "nebius.capacity.v1.ListResourceAdviceRequest", "nebius.capacity.v1.ListResourceAdviceResponse"),
    call("quotas.list", "GET", "/quotas/v1/quotaAllowances", "", ""),
    call("projects.list", "GET", "/iam/v1/projects", "", ""),
    call("projects.get", "GET", "/iam/v1/projects/{id}", "", ""),
    call("tenants.list", "GET", "/iam/v1/tenants", "", ""),
    call("prices.estimate", "POST", "/billing/v1alpha1/calculators/estimate", "", ""),
    call("tokens.exchange", "POST", "/oauth2/token/exchange", "", ""),
];

/// The id in a path that is like the template; `Some("")` when the template has none.
fn matches<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, after)) = template.split_once("{id}") else {
        return (template == path).then_some("");
    };
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains('/') && !id.contains(':')).then_some(id)
}

/// Makes out what a request asks for.
pub(super) fn read(verb: &str, target: &str, body: &[u8], form: bool) -> Asked {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut fits = CALLS
        .iter()
        .filter_map(|call| Some((call, matches(call.path, path)?)));
    let by_path = fits.clone().next();
    let found = fits.find(|(call, _)| call.verb == verb);
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut fault = None;
    let body = if body.is_empty() {
        Value::Null
    } else if form {
        let pairs = url::form_urlencoded::parse(body);
        let pairs = pairs.map(|(key, value)| (key.into_owned(), Value::String(value.into_owned())));
        Value::Object(pairs.collect())
    } else {
        serde_json::from_slice(body).unwrap_or_else(|error| {
            fault = Some(format!("the body is no JSON: {error}"));
            Value::Null
        })
    };
    Asked {
        number: 0,
        call: found.map_or("unknown", |(call, _)| call.name),
        verb: verb.to_owned(),
        path: path.to_owned(),
        id: found.map(|(_, id)| id.to_owned()).unwrap_or_default(),
        query,
        body,
        idempotency: None,
        authorization: None,
        metadata: None,
        wrong_verb: found.is_none() && by_path.is_some(),
        fault,
    }
}

/// The message that path, query and body make together.
fn message(asked: &Asked) -> Value {
    let mut message = match &asked.body {
        Value::Object(body) => body.clone(),
        _ => Map::new(),
    };
    for (key, value) in &asked.query {
        message.insert(key.clone(), Value::String(value.clone()));
    }
    if !asked.id.is_empty() {
        message.insert("id".to_owned(), Value::String(asked.id.clone()));
    }
    Value::Object(message)
}

/// Carries a request out.
pub(super) fn carry_out(inner: &Arc<Inner>, asked: &Asked) -> Answer {
    let now = Instant::now();
    let mut world = inner.world();
    if asked.call == "tokens.exchange" {
        let lasts = world.conditions.token_lasts;
        let (status, body) = world.tokens.exchange(&asked.body, lasts, now);
        if status != 200 {
            world.blame(asked, &body.to_string());
        }
        return Answer::json(status, &body);
    }
    if let Some(answer) = metadata::answer(&mut world, asked) {
        return answer;
    }
    let Some(call) = CALLS
        .iter()
        .find(|call| call.name == asked.call && matches(call.path, &asked.path).is_some())
    else {
        world.blame(asked, "there is no such call");
        let refusal = Refusal::bare(5, "Not Found");
        let status = if asked.wrong_verb { 405 } else { 404 };
        return Answer::refused(&refusal.with_status(status));
    };
    if let Err(why) = world.tokens.judge(asked.authorization.as_deref(), now) {
        return Answer::refused(&Refusal::unauthenticated(why));
    }
    if world.conditions.forbidden {
        return Answer::refused(&Refusal::denied(catalog::PROJECT));
    }
    let message = message(asked);
    if let Some(refusal) = judged(inner, &mut world, call, asked, &message) {
        return Answer::refused(&refusal);
    }
    let key = asked.idempotency.clone();
    let key = key.filter(|_| world.conditions.idempotency && asked.verb != "GET");
    let seen = format!("{} {} {message}", asked.verb, asked.path);
    if let Some((before, answer)) = key.as_ref().and_then(|key| world.keys.get(key)) {
        if *before == seen {
            let answer = world.operation(answer).unwrap_or(Value::Null);
            return answered(inner, &mut world, call, &answer);
        }
        let refusal = Refusal::bare(3, "the idempotency key was used for another request");
        world.blame(asked, &refusal.message);
        return Answer::refused(&refusal);
    }
    match dispatch(&mut world, asked, &message) {
        Ok(answer) => {
            if let (Some(key), Some(id)) = (key, answer["id"].as_str()) {
                world.keys.insert(key, (seen, id.to_owned()));
            }
            answered(inner, &mut world, call, &answer)
        }
        Err(refusal) => {
            if let (Some(schema), false) = (&inner.schema, refusal.status.is_some()) {
                for (_, slip) in schema.misfits("google.rpc.Status", &refusal.body()) {
                    world.slips.push(format!("{}: {slip}", call.name));
                }
            }
            Answer::refused(&refusal)
        }
    }
}

/// Whether a request is refused for what it is.
fn judged(
    inner: &Inner,
    world: &mut World,
    call: &Call,
    asked: &Asked,
    message: &Value,
) -> Option<Refusal> {
    let mut wrong = Vec::new();
    if let Some(fault) = &asked.fault {
        wrong.push((String::new(), fault.clone()));
    }
    if call.verb == "POST" && !asked.query.is_empty() {
        wrong.push((String::new(), "a POST has no query".to_owned()));
    }
    if call.verb != "POST" && !asked.body.is_null() {
        wrong.push((String::new(), format!("a {} has no body", call.verb)));
    }
    if let Some(key) = &asked.idempotency {
        let shape: Vec<usize> = key.split('-').map(str::len).collect();
        let hex = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
        if shape != [8, 4, 4, 4, 12] || !key.chars().all(hex) {
            wrong.push(("x-idempotency-key".to_owned(), format!("{key} is no UUID")));
        }
    }
    if let (Some(schema), false) = (&inner.schema, call.request.is_empty()) {
        wrong.extend(schema.check(call.request, message));
    }
    wrong.extend(beyond::check(
        call.name,
        message,
        world.conditions.strict_labels,
    ));
    for (field, what) in &wrong {
        world.blame(asked, &format!("{field}: {what}"));
    }
    (!wrong.is_empty()).then(|| Refusal::bad_request(&wrong))
}

/// An answer as the gateway writes it.
fn answered(inner: &Inner, world: &mut World, call: &Call, answer: &Value) -> Answer {
    let Some(schema) = inner.schema.as_ref().filter(|_| !call.answer.is_empty()) else {
        return Answer::json(200, answer);
    };
    match schema.written(call.answer, answer) {
        Ok(written) => Answer::json(200, &written),
        Err(slip) => {
            world.slips.push(format!("{}: {slip}", call.name));
            Answer::json(200, answer)
        }
    }
}

/// What the calculator answers.
fn priced(world: &World, message: &Value) -> Result<Value, Refusal> {
    if !world.conditions.calculator {
        return Err(Refusal::bare(12, "not implemented"));
    }
    let spec = &message["resourceSpec"]["computeInstanceSpec"]["spec"];
    let text = |key: &str| spec["resources"][key].as_str().unwrap_or_default();
    let price = catalog::price(
        text("platform"),
        text("preset"),
        spec.get("preemptible").is_some(),
    );
    let Some(price) = price else {
        return Err(Refusal::bare(3, "no price for this resource"));
    };
    Ok(json!({"hourlyCost": {"general": {"total": {"cost": format!("{price:.4}")}}}}))
}

fn dispatch(world: &mut World, asked: &Asked, message: &Value) -> Result<Value, Refusal> {
    let id = message["id"].as_str().unwrap_or_default();
    if asked.call.ends_with(".create") {
        owned(message["metadata"]["parentId"].as_str())?;
    }
    if let Some(parent) = message.get("parentId") {
        may_list(asked.call, parent.as_str())?;
    }
    match asked.call {
        "jobs.create" => world.create_job(message),
        "jobs.list" => world.page(message, World::jobs_listed),
        "jobs.get" => world.get_job(id, message["view"] == "SECRET"),
        "jobs.delete" => world.delete_job(id),
        "jobs.cancel" => match world.conditions.cancel {
            CancelPath::Body(_) => world.cancel_job(id),
            CancelPath::Colon(status) => Err(Refusal::bare(5, "Not Found").with_status(status)),
        },
        "jobs.cancel-colon" => match world.conditions.cancel {
            CancelPath::Colon(_) => world.cancel_job(id),
            CancelPath::Body(status) => Err(Refusal::bare(5, "Not Found").with_status(status)),
        },
        "operations.get" => {
            let service = asked.path.split('/').nth(1).unwrap_or_default();
            let known = id.starts_with(service);
            let found = known.then(|| world.operation(id)).flatten();
            found.ok_or_else(|| Refusal::not_found(id))
        }
        "instances.create" => world.create_vm(message),
        "instances.list" => world.page(message, World::vms_listed),
        "instances.get" => world.get_vm(id),
        "instances.delete" => world.delete_vm(id),
        "disks.create" => world.create_disk(message),
        "disks.list" => world.page(message, World::disks_listed),
        "disks.get" => world.get_disk(id),
        "disks.delete" => world.delete_disk(id),
        "platforms.list" => world.page(message, |_| catalog::platforms()),
        "subnets.list" => world.page(message, |world| {
            catalog::subnets(world.conditions.default_subnet)
        }),
        "subnets.get" => catalog::subnet(id),
        "advices.list" => world.page(message, |world| catalog::advices(&world.conditions)),
        "quotas.list" => world.page(message, |_| catalog::quotas()),
        "projects.list" => world.page(message, |_| vec![catalog::project()]),
        "projects.get" if id == catalog::PROJECT => Ok(catalog::project()),
        "projects.get" if id == catalog::FOREIGN => Ok(catalog::foreign()),
        "prices.estimate" => priced(world, message),
        "tenants.list" => {
            let tenant = json!({"metadata": {"id": catalog::TENANT, "name": "acme"}});
            world.page(message, |_| vec![tenant.clone()])
        }
        _ => Err(Refusal::not_found(id)),
    }
}
