//! Machines in words: pure.

/// So many GPUs of a type, as people write it.
pub(super) fn gpus(count: u32, id: &str) -> String {
    match count {
        1 => id.to_owned(),
        count => format!("{count}x {id}"),
    }
}

/// So many virtual CPUs of a flavor.
pub(super) fn cpus(count: u32, id: &str) -> String {
    match count {
        0 => id.to_owned(),
        count => format!("{id} with {count} vCPUs"),
    }
}
