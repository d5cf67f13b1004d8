//! The mistakes that the contract suite has to catch.

/// A mistake that an author of a provider may make, each to be caught by the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    AltersScript,
    AnyPlaceIsMine,
    AsksForTheEndItself,
    CheckLeavesSomething,
    EndedIsRunning,
    EndsStrangers,
    FirstPageOnly,
    LeavesHalf,
    ListsGhosts,
    ListsStrangers,
    LosesTag,
    MissingIsFailure,
    NameIsNoKey,
    RepeatsLostLaunch,
    SwallowsUnread,
    TakesBusyForDenied,
    TellsSecret,
    WrongKind,
}
