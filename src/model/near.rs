//! The right words for a misspelt one.

/// How alike two words must be, from 0 to 1: as the parser of the command line has it, and a little more.
const ALIKE: f64 = 0.8;

/// The known word that is nearest to one that means nothing; `None` where none is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let wanted = plain(word);
    let near = known.into_iter().filter_map(|one| {
        let other = plain(one);
        let alike = strsim::jaro_winkler(&wanted, &other);
        let one_slip =
            strsim::osa_distance(&wanted, &other) <= 1 && wanted.len().min(other.len()) > 2;
        (alike >= ALIKE || one_slip).then_some((alike, one))
    });
    let best = near.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map(|(_, one)| one)
}

/// What bears a name near a word that nothing bears, nearest first: at most one letter in three is another, and two that
/// changed places are one. Each may bear several names.
pub fn similar<T: Ord, N: IntoIterator<Item: AsRef<str>>>(
    word: &str,
    known: impl IntoIterator<Item = (T, N)>,
) -> Vec<T> {
    let most = word.chars().count().div_euclid(3).max(1);
    let near = known.into_iter().filter_map(|(what, names)| {
        let names = names.into_iter();
        let away = names.map(|name| strsim::osa_distance(word, name.as_ref()));
        Some((away.min().filter(|away| *away <= most)?, what))
    });
    let mut near: Vec<(usize, T)> = near.collect();
    near.sort_unstable();
    near.into_iter().map(|(_, what)| what).collect()
}

/// The hints for a word that means nothing: the nearest right one, where one is near, and `what` are all that are
/// known.
pub fn known_hints<S: AsRef<str>>(word: &str, what: &str, known: &[S]) -> Vec<String> {
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let nearest = nearest(word, known.iter().copied());
    let meant = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
    let all = format!("{what}: {}", known.join(", "));
    meant.into_iter().chain([all]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_come_nearest_first_and_each_but_once() {
        let known = [
            ("L4", vec!["l4", "nvidial4"]),
            ("L40", vec!["l40"]),
            ("L40S", vec!["l40s"]),
            ("RTX 4090", vec!["4090", "rtx4090"]),
        ];
        let similar = |word: &str| similar(word, known.clone());
        assert_eq!(similar("l40"), ["L40", "L4", "L40S"]);
        assert_eq!(similar("rxt4090"), ["RTX 4090"]);
        assert_eq!(similar("b300"), [""; 0]);
    }

    #[test]
    fn the_nearest_right_word_is_found_and_what_is_far_off_is_none() {
        let kinds = ["aws", "docker", "local", "nebius", "runpod", "ssh"];
        let settings = [
            "image",
            "instance_profile",
            "instance_types",
            "market",
            "region",
            "regions",
            "slots",
        ];
        for (word, known, found) in [
            ("doker", &kinds[..], Some("docker")),
            ("Docker", &kinds, Some("docker")),
            ("rumpod", &kinds, Some("runpod")),
            ("nebuis", &kinds, Some("nebius")),
            ("shh", &kinds, Some("ssh")),
            ("sssh", &kinds, Some("ssh")),
            ("awss", &kinds, Some("aws")),
            ("azure", &kinds, None),
            ("gcp", &kinds, None),
            ("", &kinds, None),
            ("instance_type", &settings, Some("instance_types")),
            ("instance-types", &settings, Some("instance_types")),
            ("slot", &settings, Some("slots")),
            ("regoin", &settings, Some("region")),
            ("makret", &settings, Some("market")),
            ("hostname", &settings, None),
        ] {
            assert_eq!(nearest(word, known.iter().copied()), found, "{word}");
        }
        assert_eq!(known_hints("doker", "known", &kinds).len(), 2);
        assert_eq!(
            known_hints("azure", "known", &["aws", "ssh"]),
            ["known: aws, ssh"]
        );
    }
}
