//! Several ways to get a machine, tried in order, and one error for those that failed.

use crate::model::chain;
use crate::providers::{Error, ErrorKind, Result};

/// What came of one candidate.
#[derive(Debug)]
pub(crate) enum Tried<T> {
    /// It is there.
    Made(T),
    /// Nothing was made, and another candidate may do better.
    Next(Error),
}

/// Tries one candidate after the other, until one yields something. Else all are told, in their order.
///
/// # Errors
///
/// What no other candidate would mend.
pub(crate) async fn try_all<C, T>(
    candidates: impl IntoIterator<Item = C>,
    mut attempt: impl AsyncFnMut(C) -> Result<Tried<T>>,
) -> Result<Result<T, Vec<Error>>> {
    let mut failed = Vec::new();
    for candidate in candidates {
        match attempt(candidate).await? {
            Tried::Made(made) => return Ok(Ok(made)),
            Tried::Next(error) => {
                tracing::debug!("trying the next candidate: {}", chain(&error));
                failed.push(error);
            }
        }
    }
    Ok(Err(failed))
}

/// One error for candidates of which none had room; `advice` says where to add others, where no error knows
/// better.
///
/// A wrong name is told as such where nothing else was the matter.
pub(crate) fn none_has_room(mut errors: Vec<Error>, advice: &str) -> Error {
    if let Some(first) = errors.first()
        && errors.iter().all(|error| error.kind == ErrorKind::Config)
    {
        return first.clone();
    }
    let error = match errors.len() {
        1 => errors.remove(0),
        many => Error::new(
            ErrorKind::NoCapacity,
            format!("none of {many} candidates could be launched"),
        )
        .because_each(errors),
    };
    if error.hints().is_empty() {
        error.hinted(advice)
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(name: &str) -> Error {
        Error::new(ErrorKind::NoCapacity, name).hinted(format!("not {name}"))
    }

    #[tokio::test]
    async fn the_first_that_yields_something_is_taken() {
        let mut asked = Vec::new();
        let tried = try_all([1, 2, 3], async |n| {
            asked.push(n);
            Ok(if n == 2 {
                Tried::Made(n)
            } else {
                Tried::Next(full("x"))
            })
        });
        assert_eq!(tried.await.unwrap().unwrap(), 2);
        assert_eq!(asked, [1, 2]);
        let none = try_all([1, 2], async |n| {
            Ok(Tried::<()>::Next(full(&n.to_string())))
        });
        assert_eq!(none.await.unwrap().unwrap_err().len(), 2);
        let stopped = try_all([1, 2], async |_| {
            Err::<Tried<()>, _>(Error::new(ErrorKind::Denied, "no"))
        });
        assert_eq!(stopped.await.unwrap_err().kind, ErrorKind::Denied);
    }

    #[test]
    fn one_error_tells_all_and_hints_at_all() {
        let error = none_has_room(vec![full("a"), full("b")], "add to `gpu`");
        assert_eq!(error.kind, ErrorKind::NoCapacity);
        assert_eq!(
            chain(&error),
            "none of 2 candidates could be launched: a; b"
        );
        assert_eq!(error.hints(), ["not a", "not b"]);
        let error = none_has_room(vec![Error::new(ErrorKind::NoCapacity, "a")], "add to `gpu`");
        assert_eq!(chain(&error), "a");
        assert_eq!(error.hints(), ["add to `gpu`"]);
        let wrong = || Error::setting("gpu", "no such GPU");
        let error = none_has_room(vec![wrong(), wrong()], "add to `gpu`");
        assert_eq!((error.kind, error.hints().len()), (ErrorKind::Config, 0));
    }
}
