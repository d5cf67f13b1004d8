//! The provider on the stand-in for Nebius.

mod bodies;
mod disks;
mod doom;
mod endings;
mod launches;
mod pairs;
pub(super) mod place;
mod places;
mod refusals;
mod running;

mod job {
    use crate::providers::contract::contract;
    use crate::providers::nebius::tests::place::JobPlace;

    contract!(JobPlace);
}

mod vm {
    use crate::providers::contract::contract;
    use crate::providers::nebius::tests::place::VmPlace;

    contract!(VmPlace);
}
