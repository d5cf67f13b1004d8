//! The screen of a start, frame by frame.

use super::*;
use crate::model::Mapping;

const NAMES: [&str; 5] = [
    "gharun-tpa57ic7c7cl5v",
    "gharun-tpa57ie06m3rty",
    "gharun-tpa57ibybmovuv",
    "gharun-tpa57imgdvddzo",
    "gharun-tpa57i5h6qp1jd",
];

fn name(number: usize) -> Name {
    NAMES[number].parse().expect("a name")
}

/// More names than those.
fn many(count: usize) -> Vec<Name> {
    let name = |number| {
        format!("gharun-abcdefabcdef{number:02}")
            .parse()
            .expect("a name")
    };
    (0..count).map(name).collect()
}

fn starting(names: Vec<Name>) -> Event {
    Event::Starting {
        names,
        scope: "octo/app".into(),
        at_most: Duration::from_mins(15),
        unrented: vec!["docker".into()],
        keeps_others: false,
    }
}

fn launching(name: Name, provider: &str) -> Event {
    let provider = provider.to_owned();
    Event::Launching { name, provider }
}

fn launched(name: Name, instance: &str, rental: Rental) -> Event {
    Event::Launched {
        name,
        instance: instance.parse().expect("a reference"),
        rental,
        mapping: Mapping::default(),
    }
}

fn rental(what: &str, place: &str, price: Option<Price>) -> Rental {
    Rental {
        machine_type: Some(what.into()),
        market: Some("on-demand".into()),
        place: Some(place.into()),
        price,
        ..Rental::default()
    }
}

/// A board 14 s after its begin, with a runner in each of five states.
fn five() -> (Board, Instant) {
    let began = Instant::now();
    let mut board = Board::of(&starting((0..5).map(name).collect()), began).expect("it begins");
    let cheap = || rental("m7i.large", "us-east-1a", Some(Price::live(0.1)));
    for number in 0..3 {
        board.take(&launching(name(number), "ec2"), began);
        let machine = format!("ec2:us_east_1/i-{number}");
        board.take(&launched(name(number), &machine, cheap()), began);
    }
    let online = Event::Online {
        name: name(0),
        after: Duration::from_secs(13),
    };
    board.take(&online, began);
    let seen = Event::Seen {
        name: name(1),
        stage: BootStage::Installing,
    };
    board.take(&seen, began);
    board.take(&launching(name(3), "gpu"), began);
    let full = Event::NoCapacity {
        name: name(3),
        provider: "gpu".into(),
        reason: "none".into(),
    };
    board.take(&full, began);
    board.take(&launching(name(3), "ec2"), began + Duration::from_secs(12));
    (board, began + Duration::from_secs(14))
}

fn shown(board: &Board, now: Instant, columns: usize, height: usize) -> String {
    let lines = board.frame(now, columns, height, 3);
    let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
    lines.join("\n")
}

#[test]
fn a_start_is_a_row_a_runner_with_a_header_and_a_sum() {
    let (board, now) = five();
    insta::assert_snapshot!(shown(&board, now, 80, 24), @"
    Starting 5 runners for octo/app                         0:14 of 15:00, 1 online
      1 tpa57ic7c7cl5v  ec2 m7i.large us-east-1a  ✓ online          13s   $0.10/h
      2 tpa57ie06m3rty  ec2 m7i.large us-east-1a  ⠸ installing      14s   $0.10/h
      3 tpa57ibybmovuv  ec2 m7i.large us-east-1a  ⠸ booting         14s   $0.10/h
      4 tpa57imgdvddzo  ec2: no room at gpu       ⠸ renting          2s
      5 tpa57i5h6qp1jd                            ⠸ waiting for GitHub
    $0.30/h now                                        Ctrl-C stops and removes all
    ");
    insta::assert_snapshot!(shown(&board, now, 120, 40), @"
    Starting 5 runners for octo/app                         0:14 of 15:00, 1 online
      1 tpa57ic7c7cl5v  ec2 m7i.large us-east-1a  ✓ online          13s   $0.10/h
      2 tpa57ie06m3rty  ec2 m7i.large us-east-1a  ⠸ installing      14s   $0.10/h
      3 tpa57ibybmovuv  ec2 m7i.large us-east-1a  ⠸ booting         14s   $0.10/h
      4 tpa57imgdvddzo  ec2: no room at gpu       ⠸ renting          2s
      5 tpa57i5h6qp1jd                            ⠸ waiting for GitHub
    $0.30/h now                                        Ctrl-C stops and removes all
    ");
    insta::assert_snapshot!(shown(&board, now, 60, 24), @"
    Starting 5 runners for octo/app     0:14 of 15:00, 1 online
      1 tpa57ic7c7cl5v  ec2 m…  ✓ online          13s   $0.10/h
      2 tpa57ie06m3rty  ec2 m…  ⠸ installing      14s   $0.10/h
      3 tpa57ibybmovuv  ec2 m…  ⠸ booting         14s   $0.10/h
      4 tpa57imgdvddzo  ec2: …  ⠸ renting          2s
      5 tpa57i5h6qp1jd          ⠸ waiting for GitHub
    $0.30/h now                    Ctrl-C stops and removes all
    ");
}

#[test]
fn what_has_no_price_is_named_and_what_costs_nothing_is_not() {
    let now = Instant::now();
    let mut board = Board::of(&starting((0..3).map(name).collect()), now).expect("it begins");
    let row = |number, machine: &str, price| {
        launched(
            name(number),
            machine,
            rental("m7i.large", "us-east-1a", price),
        )
    };
    board.take(&row(0, "docker:x/1", None), now);
    assert!(!shown(&board, now, 80, 24).contains('$'));
    board.take(&row(1, "ec2:x/1", None), now);
    assert!(
        !shown(&board, now, 80, 24).contains("without"),
        "there is no sum"
    );
    let listed = Price::listed(1.5, jiff::civil::Date::constant(2026, 10, 1));
    board.take(&row(2, "gpu:x/1", Some(listed)), now);
    let seen = shown(&board, now, 80, 24);
    assert!(seen.contains("about $1.50/h now, without ec2"), "{seen}");
    let gone = Event::Terminated {
        instance: "gpu:x/1".parse().expect("a reference"),
    };
    board.take(&gone, now);
    let seen = shown(&board, now, 80, 24);
    assert!(!seen.contains("now") && seen.contains("removed"), "{seen}");
}

#[test]
fn more_rows_than_fit_are_those_that_are_not_online_and_a_count() {
    let names = many(64);
    let now = Instant::now();
    let mut board = Board::of(&starting(names.clone()), now).expect("it begins");
    assert_eq!(shown(&board, now, 80, 24).lines().count(), 20);
    assert!(shown(&board, now, 80, 24).contains("… and 47 more"));
    for name in &names[..60] {
        let online = Event::Online {
            name: name.clone(),
            after: Duration::from_secs(3),
        };
        board.take(&online, now);
    }
    let seen = shown(&board, now, 80, 24);
    assert_eq!(seen.lines().count(), 7, "{seen}");
    assert!(
        seen.contains("… and 60 online") && seen.contains("60 online\n"),
        "{seen}"
    );
    assert!(!seen.contains("✓"), "{seen}");
}

#[test]
fn no_frame_is_larger_than_the_terminal_whatever_stands_in_the_rows() {
    // A cheap source of odd rows that is the same each time.
    let mut seed = 7_u64;
    let mut random = move |most: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((seed >> 33) % most).expect("it is small")
    };
    for columns in 0..=200 {
        let now = Instant::now();
        let count = 1 + random(12);
        let mut board = Board::of(&starting(many(count)), now).expect("it begins");
        board.scope = "o".repeat(random(90));
        for (number, name) in many(count).into_iter().enumerate() {
            let what = ["m7i.large", "日本語の機械", "x"][random(3)].repeat(1 + random(12));
            let price = match random(3) {
                0 => None,
                1 => Some(Price::limit(123.456)),
                _ => Some(Price::live(0.0012)),
            };
            let place = "place ".repeat(random(9));
            board.take(&launching(name.clone(), "a-table-with-a-long-name"), now);
            if random(4) > 0 {
                let machine = format!("a-table-with-a-long-name:x/{number}");
                board.take(&launched(name, &machine, rental(&what, &place, price)), now);
            }
        }
        let reason = "why ".repeat(random(70));
        let at_most = Duration::from_secs(200_000);
        board.take(&Event::Waiting { reason, at_most }, now);
        let later = now + Duration::from_secs(random(100_000) as u64);
        for height in (0..=6).chain([24]) {
            let frame = board.frame(later, columns, height, columns);
            assert!(
                (1..=height.max(1)).contains(&frame.len()),
                "{} lines on {height}",
                frame.len()
            );
            for line in &frame {
                // The last column stays free, where there is one.
                let room = columns.saturating_sub(1);
                assert!(line.width() <= room, "{columns}: {}", line.text(false));
            }
        }
    }
}

#[test]
fn on_a_low_terminal_the_time_and_how_to_end_it_stay() {
    let (board, now) = five();
    insta::assert_snapshot!(shown(&board, now, 80, 1), @"Starting 5 runners for octo/app                         0:14 of 15:00, 1 online");
    insta::assert_snapshot!(shown(&board, now, 80, 2), @"
    Starting 5 runners for octo/app                         0:14 of 15:00, 1 online
    $0.30/h now                                        Ctrl-C stops and removes all
    ");
    insta::assert_snapshot!(shown(&board, now, 80, 3), @"
    Starting 5 runners for octo/app                         0:14 of 15:00, 1 online
      … and 4 more, 1 online
    $0.30/h now                                        Ctrl-C stops and removes all
    ");
}

#[test]
fn two_frames_differ_and_the_clock_is_why() {
    let (board, now) = five();
    let later = shown(&board, now + Duration::from_secs(2), 80, 24);
    assert!(later.contains("0:16 of 15:00"), "{later}");
    assert_ne!(shown(&board, now, 80, 24), later);
}

#[test]
fn the_clock_of_sixty_four_runners_moves_with_each_second() {
    let now = Instant::now();
    let names = many(64);
    let mut board = Board::of(&starting(names.clone()), now).expect("a start");
    for (number, name) in names.into_iter().enumerate() {
        board.take(
            &launched(name, &format!("aws:here/{number}"), Rental::default()),
            now,
        );
    }
    let clock = |after: Duration| {
        let frame = shown(&board, now + after, 80, 24);
        let header = frame.lines().next().expect("a header").to_owned();
        let (before, _) = header.split_once(" of 15:00").expect("a clock");
        before.rsplit(' ').next().expect("a time").to_owned()
    };
    for second in 0..130 {
        let wanted = format!("{}:{:02}", second / 60, second % 60);
        // A frame that comes late is as good as one that comes at once.
        for within in [0, 100, 999] {
            let after = Duration::from_millis(second * 1000 + within);
            assert_eq!(clock(after), wanted, "{after:?}");
        }
    }
}

#[test]
fn what_is_given_up_is_said_to_be() {
    let (mut board, now) = five();
    board.undo();
    let ending = |instance: &str| instance.parse().expect("a reference");
    board.take(
        &Event::Terminating {
            instance: ending("ec2:us_east_1/i-1"),
        },
        now,
    );
    board.take(
        &Event::Terminated {
            instance: ending("ec2:us_east_1/i-0"),
        },
        now,
    );
    let failed = Event::Failed {
        name: name(2),
        reason: "it broke".into(),
        log: None,
    };
    board.take(&failed, now);
    board.take(
        &Event::Terminated {
            instance: ending("ec2:us_east_1/i-2"),
        },
        now,
    );
    insta::assert_snapshot!(shown(&board, now, 80, 24), @"
    Removing 5 runners for octo/app                         0:14 of 15:00, 0 online
      1 tpa57ic7c7cl5v  ec2 m7i.large us-east-1a  · removed         13s   $0.10/h
      2 tpa57ie06m3rty  ec2 m7i.large us-east-1a  ⠸ removing        14s   $0.10/h
      3 tpa57ibybmovuv  ec2 m7i.large us-east-1a  ✗ failed          14s   $0.10/h
      4 tpa57imgdvddzo  ec2: no room at gpu       ⠸ renting          2s
      5 tpa57i5h6qp1jd                            ⠸ waiting for GitHub
    $0.10/h now                                       Removing all that was started
    ");
}

fn failed(number: usize) -> Event {
    Event::Failed {
        name: name(number),
        reason: "it broke".into(),
        log: None,
    }
}

#[test]
fn the_first_that_fails_gives_up_all_unless_the_others_are_kept() {
    let (mut board, now) = five();
    board.take(&failed(1), now);
    assert!(shown(&board, now, 80, 24).starts_with("Removing 5 runners"));
    let (mut board, now) = five();
    board.keeps_others = true;
    board.take(&failed(1), now);
    assert!(shown(&board, now, 80, 24).starts_with("Starting 5 runners"));
}

#[test]
fn a_runner_without_a_machine_is_removed_with_its_registration() {
    let (mut board, now) = five();
    board.undo();
    board.take(
        &Event::Deregistered {
            name: name(4).to_string(),
        },
        now,
    );
    let shown = shown(&board, now, 80, 24);
    let row = shown.lines().nth(5).expect("a row");
    assert!(row.contains("removed"), "{shown}");
}

#[test]
fn what_is_waited_for_is_shown_until_its_time_is_over() {
    let (mut board, now) = five();
    let waiting = Event::Waiting {
        reason: "GitHub's limit is used up".into(),
        at_most: Duration::from_secs(30),
    };
    board.take(&waiting, now);
    board.take(&launching(name(4), "ec2"), now);
    let after = |seconds| shown(&board, now + Duration::from_secs(seconds), 80, 24);
    assert!(after(29).contains("Waiting at most 0:30: GitHub's limit"));
    assert!(!after(30).contains("Waiting"));
}

#[test]
fn what_is_not_billed_is_launched_and_not_rented() {
    let (mut board, now) = five();
    board.take(&launching(name(4), "docker"), now);
    let shown = shown(&board, now, 80, 24);
    let row = shown.lines().nth(5).expect("a row");
    assert!(row.contains("launching"), "{shown}");
}
