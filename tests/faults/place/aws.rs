//! EC2: an account of moto's that nobody else has, behind a gate.

use std::sync::Arc;
use std::time::Duration;

use gharun_worlds::moto::{Deed, Proxy, Server, ask, texts};

use super::Place;
use crate::gate::{Gate, Speech, tcp};
use crate::strike::Strikes;
use crate::world::{World, outer};

const REGION: &str = "us-east-1";

struct Aws {
    server: Server,
    gate: Gate,
}

pub(super) fn open(strikes: &Arc<Strikes>) -> Option<Box<dyn Place>> {
    let Some(url) = outer("GHARUN_MOTO_URL").filter(|url| !url.is_empty()) else {
        gharun_worlds::skipped("faults: aws: no moto at $GHARUN_MOTO_URL");
        return None;
    };
    let server = Server::new(&url);
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let gate = Gate::open(tcp(&proxy.url), Speech::Http, strikes);
    let stranger = [
        ("ImageId", "ami-00000000000000001"),
        ("InstanceType", "t3.large"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "managed-by"),
        ("TagSpecification.1.Tag.1.Value", "another"),
    ];
    ask(&server, REGION, "RunInstances", &stranger);
    Some(Box::new(Aws { server, gate }))
}

fn volumes(server: &Server) -> Vec<String> {
    texts(&ask(server, REGION, "DescribeVolumes", &[]), "volumeId")
}

impl Aws {
    fn instances(&self) -> Vec<String> {
        let mut filter = vec![("Filter.1.Name", "instance-state-name")];
        filter.extend([
            ("Filter.1.Value.1", "pending"),
            ("Filter.1.Value.2", "running"),
            ("Filter.1.Value.3", "stopping"),
            ("Filter.1.Value.4", "stopped"),
        ]);
        let answer = ask(&self.server, REGION, "DescribeInstances", &filter);
        texts(&answer, "instanceId")
    }
}

impl Place for Aws {
    fn table(&self) -> String {
        "kind = \"aws\"\nsearch_regions = []\n".to_owned()
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ENDPOINT_URL", self.gate.url()),
        ]
    }

    fn all(&self, _: &World) -> Vec<String> {
        let instances = self.instances().into_iter();
        let volumes = volumes(&self.server).into_iter();
        instances
            .map(|id| format!("instance: {id}"))
            .chain(volumes.map(|id| format!("volume: {id}")))
            .collect()
    }

    fn machines(&self, _: &World) -> usize {
        self.instances().len()
    }

    fn is_empty_shell(&self) -> bool {
        true
    }
}
