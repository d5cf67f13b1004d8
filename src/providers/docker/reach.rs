//! How a container reaches this computer.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use bollard::query_parameters::InspectNetworkOptions;
use url::Url;

use super::daemon::{Daemon, look};
use crate::providers::{Error, ErrorKind, Result};

/// The address of a port of this computer, as containers in a network of a daemon on this very
/// computer reach it; `None` when they do not.
pub(super) async fn url(daemon: &Daemon, network: &str, port: u16) -> Result<Option<Url>> {
    let host = if network == "none" || network.starts_with("container:") {
        return Ok(None);
    } else if daemon.is_desktop() {
        "host.docker.internal".to_owned()
    } else if network == "host" {
        "127.0.0.1".to_owned()
    } else if daemon.is_rootless() {
        let what = format!(
            "containers of {} cannot reach this computer, which a rehearsal requires",
            daemon.whose()
        );
        return Err(Error::new(ErrorKind::Config, what)
            .because("it runs without root, and its bridge is in a network of its own")
            .hinted("rehearse with `gharun start local --rehearse`, or set `host` to a daemon that runs as root"));
    } else {
        match gateway(daemon, network).await? {
            Some(gateway) => gateway.to_string(),
            None => return Ok(None),
        }
    };
    let url = Url::parse(&format!("http://{host}:{port}"));
    url.map(Some).map_err(|error| {
        Error::new(ErrorKind::Unexpected, format!("`{host}` is not an address")).because(error)
    })
}

/// The address of this computer in a network of the daemon, if it is one.
async fn gateway(daemon: &Daemon, network: &str) -> Result<Option<Ipv4Addr>> {
    let looked = daemon
        .client
        .inspect_network(network, None::<InspectNetworkOptions>);
    let found = look(looked)
        .await
        .map_err(|error| daemon.failed(format!("could not look at network `{network}`"), &error))?;
    if found.driver.as_deref() != Some("bridge") || found.internal == Some(true) {
        return Ok(None);
    }
    let pools = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let gateway = pools
        .into_iter()
        .find_map(|pool| address(pool.gateway.as_deref(), pool.subnet.as_deref()));
    // The daemon may be behind a socket and yet in another network: a virtual machine, or the host
    // of the container that this program runs in. Then nobody can listen there. Podman makes its bridge with the first
    // container that needs it, so that on its own host the address may not be there yet.
    let is_here = |address: &Ipv4Addr| match TcpListener::bind((*address, 0)) {
        Ok(_) => true,
        Err(error) => {
            error.kind() == io::ErrorKind::AddrNotAvailable
                && daemon.is_podman()
                && is_this_host(daemon.info.name.as_deref())
        }
    };
    Ok(gateway.filter(is_here))
}

/// Whether a host is called like this one.
fn is_this_host(name: Option<&str>) -> bool {
    let ours = std::fs::read_to_string("/proc/sys/kernel/hostname");
    ours.is_ok_and(|ours| name == Some(ours.trim()))
}

/// The gateway of a pool: where a network was made without one, Docker takes the first address.
fn address(gateway: Option<&str>, subnet: Option<&str>) -> Option<Ipv4Addr> {
    let bare = |text: &str| -> Option<Ipv4Addr> { text.split('/').next()?.parse().ok() };
    let first = || {
        Some(Ipv4Addr::from_bits(
            bare(subnet?)?.to_bits().checked_add(1)?,
        ))
    };
    gateway.and_then(bare).or_else(first)
}

/// Whether `HOST:PORT` stays on this computer.
pub(super) fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    url::Host::parse(host).is_ok_and(|host| crate::model::is_loopback(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_made_without_a_gateway_has_the_first_address() {
        let found = |gateway, subnet| address(gateway, subnet).map(|ip| ip.to_string());
        let first = Some("172.17.0.1".to_owned());
        assert_eq!(found(None, Some("172.17.0.0/16")), first);
        assert_eq!(found(Some("172.17.0.1/16"), None), first);
        assert_eq!(found(Some(""), Some("172.17.0.0/16")), first);
        assert_eq!(found(None, Some("fd00::/8")), None);
        assert_eq!(found(None, None), None);
    }

    #[test]
    fn loopback_is_told_from_elsewhere() {
        for (address, expected) in [
            ("127.0.0.1:2375", true),
            ("[::1]:2375", true),
            ("localhost:2375", true),
            ("build:2375", false),
            ("10.0.0.1:2375", false),
        ] {
            assert_eq!(is_loopback(address), expected, "{address}");
        }
    }
}
