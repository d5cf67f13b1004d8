//! Lists that come in pages.

use std::fmt;

/// More pages than anybody has.
const MOST: usize = 1000;

/// Why a list is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endless {
    /// The next page is one that was read already.
    Again,
    /// There are more pages than anybody has.
    TooMany,
}

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again => {
                f.write_str("could not read the next page of the list: it was already read")
            }
            Self::TooMany => write!(f, "the list has more than {MOST} pages"),
        }
    }
}

/// Reads all pages, from the first to the one that names no next: a server that goes round in circles, or on
/// for ever, is not followed. What is at a place `P` is read by `read`, with the place of the next page.
pub async fn pages<P: PartialEq, T, E>(
    first: P,
    mut read: impl AsyncFnMut(&P) -> Result<(T, Option<P>), E>,
    endless: impl FnOnce(Endless) -> E,
) -> Result<Vec<T>, E> {
    let (mut pages, mut seen, mut next) = (Vec::new(), Vec::new(), first);
    while seen.len() < MOST {
        let (page, following) = read(&next).await?;
        pages.push(page);
        seen.push(next);
        match following {
            None => return Ok(pages),
            Some(place) if seen.contains(&place) => return Err(endless(Endless::Again)),
            Some(place) => next = place,
        }
    }
    Err(endless(Endless::TooMany))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads pages that are numbered, each with the next one's number.
    async fn of(next: impl Fn(usize) -> Option<usize>) -> Result<Vec<usize>, Endless> {
        let read = async |at: &usize| Ok((*at, next(*at)));
        pages(0, read, |endless| endless).await
    }

    #[tokio::test]
    async fn all_pages_are_read_in_order() {
        assert_eq!(of(|_| None).await, Ok(vec![0]));
        assert_eq!(
            of(|at| (at < 3).then_some(at + 1)).await,
            Ok(vec![0, 1, 2, 3])
        );
    }

    #[tokio::test]
    async fn a_server_that_shows_no_end_is_not_followed() {
        assert_eq!(of(|_| Some(0)).await, Err(Endless::Again));
        assert_eq!(of(|at| Some((at + 1) % 3)).await, Err(Endless::Again));
        assert_eq!(of(|at| Some(at + 1)).await, Err(Endless::TooMany));
    }
}
