//! The mistakes that the contract suite has to catch.

/// A mistake that an author of a provider may make, each to be caught by the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    AltersScript,
    AnyPlaceIsMine,
    AsksForTheEndItself,
    CheckLeavesSomething,
    EndedIsRunning,
    EndsNothing,
    EndsStrangers,
    FirstPageOnly,
    LeavesHalf,
    ListsGhosts,
    ListsNothing,
    ListsStrangers,
    LosesTag,
    MissingIsFailure,
    NameIsNoKey,
    RefusesAfterTheDeed,
    RepeatsLostLaunch,
    SwallowsUnread,
    TakesBusyForDenied,
    TellsSecret,
    WrongKind,
}
