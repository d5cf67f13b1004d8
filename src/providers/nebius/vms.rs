//! A virtual machine, whose boot script comes through cloud-init.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::Url;

use super::candidates::Candidate;
use super::config::NebiusConfig;
use super::jobs::pricing;
use super::labels;
use crate::model::Order;
use crate::providers::Result;
use crate::providers::common::pack::{check_size, pack};

/// The most characters of user data. (Nebius's description of `InstanceSpec`.)
const MOST: usize = 32_768;
/// How wide the lines of base64 are.
const WIDTH: usize = 76;

/// Ends a machine that stays where it is.
pub(super) const POWER_OFF: &str =
    "poweroff || shutdown -P now || systemctl poweroff --force || poweroff -f";

/// Ends a machine by its own service account, and powers it off whatever comes of that, so that at least its
/// GPU is not billed. All of it is over within the minute after which the boot script gives a try up.
///
/// The metadata service tells id and token
/// (<https://docs.nebius.com/compute/virtual-machines/instance-metadata>); the token is not among the arguments.
pub(super) const DELETE_ITSELF: &str = r#"ask() { curl -fsS --max-time 5 -H 'Metadata: true' "${GHARUN_METADATA:-http://metadata.nebius.internal}/v1/$1"; }
for try in 1 2; do
id=$(ask instance-data/id) && token=$(ask iam/sa/token/access_token) && [ -n "$id" ] && [ -n "$token" ] &&
printf 'header = "Authorization: Bearer %s"\n' "$token" |
curl -fsS --max-time 5 -o /dev/null -K - -X DELETE "$GHARUN_NEBIUS/compute/v1/instances/$id" && break
sleep 2
done
sleep "${GHARUN_DELETES:-10}"
poweroff || shutdown -P now || systemctl poweroff --force || poweroff -f"#;

/// The creation of a VM.
pub(super) fn request(
    config: &NebiusConfig,
    project: &str,
    subnet: &str,
    candidate: &Candidate,
    order: &Order,
    gateway: &Url,
) -> Result<Value> {
    let labels = labels::labels(&order.tags, &config.labels);
    let mut disk = json!({
        "type": config.disk.r#type.spelled(),
        "sizeGibibytes": config.disk.size.to_string(),
    });
    let image = config.image();
    if image.starts_with("computeimage-") {
        disk["sourceImageId"] = image.into();
    } else {
        disk["sourceImageFamily"] = json!({ "imageFamily": image });
    }
    // An address of its own must be asked for, though nothing is said of it.
    let mut interface = json!({ "name": "eth0", "subnetId": subnet, "ipAddress": {} });
    if config.public_ip {
        interface["publicIpAddress"] = json!({});
    }
    let mut spec = Map::new();
    let mut set = |key: &str, value: Value| spec.insert(key.to_owned(), value);
    if let Some(account) = &config.service_account {
        set("serviceAccountId", account.as_str().into());
    }
    set(
        "resources",
        json!({ "platform": candidate.platform, "preset": candidate.preset }),
    );
    set("networkInterfaces", json!([interface]));
    set(
        "bootDisk",
        json!({
            "attachMode": "READ_WRITE",
            "managedDisk": { "name": order.name.as_str(), "labels": labels, "spec": disk },
        }),
    );
    set(
        "cloudInitUserData",
        user_data(order.boot.expose(), gateway, config.ssh_key.as_deref())?.into(),
    );
    // Any other policy starts a machine again that has powered itself off.
    set("recoveryPolicy", "FAIL".into());
    if config.preemptible {
        set("preemptible", json!({ "onPreemption": "STOP" }));
        if let Value::Object(model) = pricing(config) {
            for (key, value) in model {
                set(&key, value);
            }
        }
    }
    Ok(json!({
        "metadata": { "parentId": project, "name": order.name.as_str(), "labels": labels },
        "spec": spec,
    }))
}

/// The script, packed, in one that unpacks it: user data is text.
///
/// # Errors
///
/// It is too long for Nebius: a `Config` error about the user's `setup`.
pub(super) fn user_data(script: &str, gateway: &Url, ssh_key: Option<&str>) -> Result<String> {
    let base64 = STANDARD.encode(pack(script)?);
    let mut lines = String::new();
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(WIDTH));
        lines += line;
        lines.push('\n');
        rest = after;
    }
    // A setting gives the address, so it is quoted; a URL holds no quote that is not encoded.
    let gateway = gateway.as_str().trim_end_matches('/').replace('\'', "%27");
    // Its letters were checked with the settings.
    let login = ssh_key.map_or_else(String::new, |key| {
        format!(
            "mkdir -p /root/.ssh && echo '{key}' >>/root/.ssh/authorized_keys && chmod -R go= /root/.ssh\n"
        )
    });
    let data = format!(
        "#!/bin/sh
{login}export GHARUN_NEBIUS='{gateway}'
umask 077
f=$(mktemp /run/gharun.XXXXXX || mktemp) || exec poweroff
base64 -d <<'END' | gzip -dc >\"$f\" || exec poweroff
{lines}END
exec sh \"$f\"
"
    );
    check_size("Nebius", "the boot script", data.len(), MOST)?;
    Ok(data)
}
