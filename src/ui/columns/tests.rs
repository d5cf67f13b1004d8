//! Tables on terminals of every width.

use super::*;

/// Numbers that are drawn, and are the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).expect("it is small")
    }

    fn word(&mut self, most: usize) -> String {
        const LETTERS: [char; 8] = ['a', 'k', '7', '-', 'é', '日', '\u{200b}', '🚀'];
        let length = 1 + self.below(most);
        (0..length).map(|_| LETTERS[self.below(8)]).collect()
    }

    fn words(&mut self, most: usize) -> String {
        let words: Vec<String> = (0..self.below(most)).map(|_| self.word(9)).collect();
        words.join(" ")
    }

    fn row(&mut self) -> Row {
        let name: String = (0..14).map(|_| ['a', '7', 'z'][self.below(3)]).collect();
        let run = ["", "12345678901-1-0-"][self.below(2)];
        let name = format!("gharun-{run}{name}");
        let plain = |text: String| (Tone::Plain, text);
        Row {
            sign: Some((Tone::Good, "●")),
            cells: vec![
                plain("starting".to_owned()),
                plain(name.clone()),
                plain(self.word(40)),
                plain("28m idle".to_owned()),
                plain(format!("at most ${}.00", self.below(1_000_000))),
                plain(self.words(30)),
            ],
            note: self.words(20),
            command: ["", "gharun stop "][self.below(2)].to_owned() + &name,
        }
    }
}

const COLUMNS: [Column; 6] = [
    Column::whole("VERDICT"),
    Column::whole("RUNNER"),
    Column::whole("PROVIDER").at_least(6).spare(1),
    Column::whole("ENDS IN").spare(3),
    Column::whole("COST").spare(2),
    Column::whole("WHY").at_least(20).spare(4),
];

#[test]
fn no_line_of_any_table_wraps_at_60_to_200_columns() {
    let mut draw = Draw(15);
    for _ in 0..60 {
        let rows: Vec<Row> = (0..draw.below(5)).map(|_| draw.row()).collect();
        for room in 60..=200 {
            for overflow in [Overflow::LeftOut, Overflow::Below] {
                let lines = laid_out(&COLUMNS, &rows, room, overflow);
                for line in &lines {
                    let (text, taken) = (line.text(false), line.width());
                    assert!(taken <= room, "{room}: {taken} in {text:?}");
                    assert!(!text.contains('\n'), "{text:?}");
                }
                let all: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
                for row in &rows {
                    let name = row.cells[1].1.as_str();
                    assert!(all.iter().any(|line| line.contains(name)), "{all:#?}");
                    let whole = |line: &&String| line.contains(&row.command);
                    assert!(all.iter().any(|line| whole(&line)), "{all:#?}");
                }
            }
        }
    }
}

fn shown(room: usize, overflow: Overflow) -> String {
    let cells = |cells: [&str; 6]| cells.map(|text| (Tone::Plain, text.to_owned())).to_vec();
    let rows = [
        Row {
            sign: Some((Tone::Good, "●")),
            cells: cells([
                "working",
                "gharun-tpa57i5h6qp1jd",
                "gpu",
                "6h 48m",
                "$0.17",
                "a job runs on it",
            ]),
            ..Row::default()
        },
        Row {
            sign: Some((Tone::Bad, "!")),
            cells: cells([
                "orphan",
                "gharun-tpa4zzk1m2n3o4",
                "a-long-name-of-a-table",
                "overdue",
                "$7.74",
                "its workflow run is over",
            ]),
            note: "its workflow run is over".to_owned(),
            command: "gharun stop gharun-tpa4zzk1m2n3o4".to_owned(),
        },
    ];
    let lines = laid_out(&COLUMNS, &rows, room, overflow);
    let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
    lines.join("\n")
}

#[test]
fn what_does_not_fit_is_cut_then_left_out_or_put_below() {
    insta::assert_snapshot!(shown(120, Overflow::LeftOut), @"
      VERDICT  RUNNER                 PROVIDER                ENDS IN  COST   WHY
    ● working  gharun-tpa57i5h6qp1jd  gpu                     6h 48m   $0.17  a job runs on it
    ! orphan   gharun-tpa4zzk1m2n3o4  a-long-name-of-a-table  overdue  $7.74  its workflow run is over
        its workflow run is over    gharun stop gharun-tpa4zzk1m2n3o4
    ");
    insta::assert_snapshot!(shown(80, Overflow::LeftOut), @"
      VERDICT  RUNNER                 PROVIDER  ENDS IN  COST   WHY
    ● working  gharun-tpa57i5h6qp1jd  gpu       6h 48m   $0.17  a job runs on it
    ! orphan   gharun-tpa4zzk1m2n3o4  a-long-…  overdue  $7.74  its workflow run is…
        its workflow run is over    gharun stop gharun-tpa4zzk1m2n3o4
    ");
    insta::assert_snapshot!(shown(60, Overflow::LeftOut), @"
      VERDICT  RUNNER                 PROVIDER    ENDS IN  COST
    ● working  gharun-tpa57i5h6qp1jd  gpu         6h 48m   $0.17
    ! orphan   gharun-tpa4zzk1m2n3o4  a-long-na…  overdue  $7.74
        its workflow run is over
        gharun stop gharun-tpa4zzk1m2n3o4
    ");
    insta::assert_snapshot!(shown(60, Overflow::Below), @"
      VERDICT  RUNNER                 PROVIDER    ENDS IN  COST
    ● working  gharun-tpa57i5h6qp1jd  gpu         6h 48m   $0.17
        why a job runs on it
    ! orphan   gharun-tpa4zzk1m2n3o4  a-long-na…  overdue  $7.74
        why its workflow run is over
        its workflow run is over
        gharun stop gharun-tpa4zzk1m2n3o4
    ");
}

#[test]
fn a_text_is_broken_between_its_words() {
    let lines = folded("one two three four five six seven", 4, 20);
    let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
    assert_eq!(
        lines,
        ["    one two three", "      four five six", "      seven"]
    );
}
