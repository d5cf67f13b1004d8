//! Errors as the gateway spells them: `google.rpc.Status` with a `nebius.common.v1.ServiceError`.

use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The number of `google.rpc.Code`.
    pub code: u16,
    /// In words.
    pub message: String,
    /// The `ServiceError`, where there is one.
    pub detail: Option<Value>,
    /// The status where it is not the code's own.
    pub status: Option<u16>,
}

impl Refusal {
    /// One without a `ServiceError`.
    pub fn bare(code: u16, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            detail: None,
            status: None,
        }
    }

    fn new(code: u16, name: &str, message: &str, retry: &str, key: &str, detail: &Value) -> Self {
        let mut error = json!({
            "@type": "type.googleapis.com/nebius.common.v1.ServiceError",
            "service": "compute",
            "code": name,
            "retryType": retry,
        });
        error[key] = detail.clone();
        Self {
            detail: Some(error),
            ..Self::bare(code, message)
        }
    }

    /// There are no machines of the kind.
    pub fn no_capacity(platform: &str, preset: &str) -> Self {
        let message = format!("not enough resources to place {preset} of {platform}");
        let violation = json!({
            "resourceType": format!("{platform} {preset}"),
            "message": message,
            "requested": "1",
        });
        Self::new(
            8,
            "NotEnoughResources",
            &message,
            "UNIT_OF_WORK",
            "notEnoughResources",
            &json!({"violations": [violation]}),
        )
    }

    /// The tenant has used up what it may have.
    pub fn quota(platform: &str) -> Self {
        let quota = format!("compute.instance.gpu.{platform}");
        let violation = json!({
            "quota": quota,
            "message": "Quota limit exceeded",
            "limit": "2",
            "requested": "3",
        });
        Self::new(
            8,
            "QuotaFailure",
            &format!("Quota limit exceeded: {quota}"),
            "NOTHING",
            "quotaFailure",
            &json!({"violations": [violation]}),
        )
    }

    /// One request too many.
    pub fn too_many() -> Self {
        Self::new(
            8,
            "TooManyRequests",
            "too many requests",
            "CALL",
            "tooManyRequests",
            &json!({"violation": "requests per second"}),
        )
    }

    /// The credentials are not good for this.
    pub fn denied(id: &str) -> Self {
        Self::new(
            7,
            "PermissionDenied",
            "Permission denied",
            "NOTHING",
            "permissionDenied",
            &json!({"resourceId": id}),
        )
    }

    /// The token is no good.
    pub fn unauthenticated(why: &str) -> Self {
        Self::bare(16, &format!("unauthenticated: {why}"))
    }

    /// There is nothing with the id.
    pub fn not_found(id: &str) -> Self {
        Self::new(
            5,
            "ResourceNotFound",
            &format!("resource {id} not found"),
            "NOTHING",
            "resourceNotFound",
            &json!({"resourceId": id}),
        )
    }

    /// Another has the name already.
    pub fn exists(id: &str, name: &str) -> Self {
        Self::new(
            6,
            "ResourceAlreadyExists",
            &format!("resource with name {name} already exists"),
            "NOTHING",
            "resourceAlreadyExists",
            &json!({"resourceId": id}),
        )
    }

    /// What it is in now does not allow that.
    pub fn bad_state(id: &str, message: &str) -> Self {
        Self::new(
            9,
            "BadResourceState",
            message,
            "NOTHING",
            "badResourceState",
            &json!({"resourceId": id, "message": message}),
        )
    }

    /// The request is wrong in these places: field and what is wrong.
    pub fn bad_request(violations: &[(String, String)]) -> Self {
        let list: Vec<Value> = violations
            .iter()
            .map(|(field, message)| json!({"field": field, "message": message}))
            .collect();
        let first = violations
            .first()
            .map(|(field, message)| format!("{field}: {message}"));
        Self::new(
            3,
            "BadRequest",
            &format!("invalid request: {}", first.unwrap_or_default()),
            "NOTHING",
            "badRequest",
            &json!({"violations": list}),
        )
    }

    /// Something broke at Nebius.
    pub fn internal() -> Self {
        Self::new(
            13,
            "InternalError",
            "internal error",
            "CALL",
            "internalError",
            &json!({"requestId": "r-1"}),
        )
    }

    /// It is not there at the moment.
    pub fn unavailable() -> Self {
        Self::bare(14, "service unavailable")
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The status of its answer (<https://cloud.google.com/apis/design/errors>).
    pub fn http(&self) -> u16 {
        self.status.unwrap_or(match self.code {
            3 | 9 | 11 => 400,
            16 => 401,
            7 => 403,
            5 => 404,
            6 | 10 => 409,
            8 => 429,
            12 => 501,
            14 => 503,
            4 => 504,
            _ => 500,
        })
    }

    /// As a `google.rpc.Status`.
    pub fn body(&self) -> Value {
        let mut body = json!({"code": self.code, "message": self.message});
        if let Some(detail) = &self.detail {
            body["details"] = json!([detail]);
        }
        body
    }
}
