//! Finds the long straight lines of ruled and squared paper, frames and underlines, and takes them away.
//!
//! A line is followed column by column: its pixels are a short vertical run in each. Where a stroke crosses it, the run
//! is longer; there nothing is taken away, so that no stroke is cut.

use super::gray_plane::Plane;

/// The longest run across a line, and the shortest line, as shares of the picture's side.
const THICKEST: f64 = 0.02;
const SHORTEST: f64 = 0.25;
/// A stroke across a line may be as wide as this share of the side.
const GAP: f64 = 0.12;
/// The least share of a line's columns that have a run of it, and how far it may be from straight, by its length.
const COVERED: f64 = 0.6;
const BENT: f64 = 0.03;
/// The steepest line that is followed from column to column; steeper ones are followed from row to row.
const STEEPEST: f64 = 0.6;
/// Lines of about this slope are parallel; so many are a ruling.
const PARALLEL: f64 = 0.04;
const RULING: usize = 3;
/// The slopes of opposite sides of a frame, photographed at a slant, differ by less than this.
const SLANTED: f64 = 0.15;

/// A vertical run of pixels: rows `start..end` of a column.
#[derive(Clone, Copy)]
struct Run {
    column: usize,
    start: usize,
    end: usize,
}

impl Run {
    fn middle(&self) -> f64 {
        (self.start + self.end) as f64 / 2.0
    }
}

/// Takes ruled lines and frames away from `on`, and returns how many there were.
pub fn remove(on: &mut Plane<bool>) -> usize {
    let mut turned = on.transposed();
    let (level, upright) = (Line::find(&turned), Line::find(on));
    let level_kept: Vec<&Line> = level.iter().filter(|line| line.is_drawn(&level, &upright, &turned)).collect();
    let upright_kept: Vec<&Line> = upright.iter().filter(|line| line.is_drawn(&upright, &level, on)).collect();
    level_kept.iter().for_each(|line| line.erase(&mut turned));
    // What is left where lines crossed is as thin as the others.
    *on = turned.transposed();
    upright_kept.iter().for_each(|line| line.erase(on));
    level_kept.len() + upright_kept.len()
}

/// Runs that follow each other from left to right. Planes are turned: their rows are its columns.
struct Line(Vec<Run>);

impl Line {
    /// The lines that are long, thin and straight enough.
    fn find(turned: &Plane<bool>) -> Vec<Line> {
        let (columns, rows) = (turned.height, turned.width);
        let gap = (columns as f64 * GAP) as usize + 2;
        let thickest = (columns.min(rows) as f64 * THICKEST) as usize + 3;
        let reach = (gap as f64 * STEEPEST) as usize + 2;
        let mut lines: Vec<Line> = Vec::new();
        // The line that was last seen at a row.
        let mut at_row: Vec<Option<usize>> = vec![None; rows];
        for column in 0..columns {
            for run in runs(&turned.values[column * rows..(column + 1) * rows], column) {
                if run.end - run.start > thickest {
                    continue;
                }
                let near = at_row[run.start.saturating_sub(reach)..(run.end + reach).min(rows)].iter().flatten();
                let off = |i: &usize| lines[*i].distance(&run, gap);
                let best = near.copied().min_by(|a, b| off(a).total_cmp(&off(b)));
                let line = best.filter(|i| off(i) <= 2.0).unwrap_or(lines.len());
                match lines.get_mut(line) {
                    Some(line) => line.0.push(run),
                    None => lines.push(Line(vec![run])),
                }
                at_row[run.middle() as usize] = Some(line);
            }
        }
        let shortest = columns as f64 * SHORTEST;
        lines.retain(|line| line.length() >= shortest && line.is_straight());
        lines
    }

    fn first(&self) -> &Run {
        &self.0[0]
    }

    fn last(&self) -> &Run {
        &self.0[self.0.len() - 1]
    }

    fn length(&self) -> f64 {
        (self.last().column - self.first().column + 1) as f64
    }

    fn centre(&self) -> f64 {
        (self.first().middle() + self.last().middle()) / 2.0
    }

    fn slope(&self) -> f64 {
        (self.last().middle() - self.first().middle()) / self.length()
    }

    /// How far a run is from where the line's last part leads; infinite beyond a gap.
    fn distance(&self, run: &Run, gap: usize) -> f64 {
        let last = self.last();
        if run.column <= last.column || run.column - last.column > gap {
            return f64::INFINITY;
        }
        let before = &self.0[self.0.len().saturating_sub(24)];
        let slope = match last.column - before.column {
            0..8 => 0.0,
            columns => (last.middle() - before.middle()) / columns as f64,
        };
        (last.middle() + slope.clamp(-STEEPEST, STEEPEST) * (run.column - last.column) as f64 - run.middle()).abs()
    }

    fn is_straight(&self) -> bool {
        let (first, slope, length) = (self.first(), self.slope(), self.length());
        let off = |run: &Run| first.middle() + slope * (run.column - first.column) as f64 - run.middle();
        let bent = self.0.iter().map(|run| off(run).abs()).fold(0.0, f64::max);
        self.0.len() as f64 >= COVERED * length && bent <= (BENT * length).max(2.0)
    }

    /// Whether it goes from edge to edge of the picture, is a side of a frame, or one of a ruling. Strokes do not.
    fn is_drawn(&self, alike: &[Line], across: &[Line], turned: &Plane<bool>) -> bool {
        let (columns, rows) = (turned.height, turned.width);
        let near = columns.max(rows) / 40 + 2;
        let is_at_edge = |end: &Run| {
            let (column, row) = (end.column, end.middle() as usize);
            column.min(row) <= near || column + near >= columns || row + near >= rows
        };
        let is_at_corner = |end: &Run| {
            let meets = |other: &Run| {
                end.column.abs_diff(other.middle() as usize) <= near
                    && other.column.abs_diff(end.middle() as usize) <= near
            };
            across.iter().any(|line| meets(line.first()) || meets(line.last()))
        };
        // The strokes of a 4 meet at corners too, but it has no two sides of the same length.
        let is_opposite = |other: &Line| {
            let (a, b) = (self.length(), other.length());
            let apart = (self.centre() - other.centre()).abs();
            (self.slope() - other.slope()).abs() < SLANTED && a.min(b) > 0.7 * a.max(b) && apart > 0.3 * a
        };
        let ends = [self.first(), self.last()];
        let at_edge = ends.iter().any(|end| is_at_edge(end));
        // A stroke along one of the lines of squared paper leaves a part of it.
        let is_side =
            ends.iter().all(|end| is_at_edge(end) || is_at_corner(end)) && (at_edge || alike.iter().any(is_opposite));
        is_side || self.is_ruled(alike, if at_edge { 2.0 } else { 5.0 })
    }

    /// Whether it is one of several parallel lines, and as long as so many of their spacings.
    fn is_ruled(&self, alike: &[Line], spacings: f64) -> bool {
        let is_parallel =
            |line: &&Line| (line.slope() - self.slope()).abs() < PARALLEL && line.length() > self.length() / 2.0;
        let mut centres: Vec<f64> = alike.iter().filter(is_parallel).map(Line::centre).collect();
        centres.sort_by(f64::total_cmp);
        let spacing = (centres[centres.len() - 1] - centres[0]) / (centres.len() - 1).max(1) as f64;
        centres.len() >= RULING && self.length() > spacings * spacing
    }

    /// Takes its pixels away, but for those where something thicker crosses it.
    fn erase(&self, turned: &mut Plane<bool>) {
        let mut thickness: Vec<usize> = self.0.iter().map(|run| run.end - run.start).collect();
        let middle = thickness.len() / 2;
        let most = *thickness.select_nth_unstable(middle).1 * 8 / 5 + 1;
        for ends in self.0.windows(2) {
            let slope = (ends[1].middle() - ends[0].middle()) / (ends[1].column - ends[0].column) as f64;
            for column in ends[0].column..=ends[1].column {
                let row = (ends[0].middle() + slope * (column - ends[0].column) as f64) as usize;
                let rows = turned.width;
                let pixels = &mut turned.values[column * rows..(column + 1) * rows];
                let Some(row) =
                    [row, row + 1, row.saturating_sub(1)].into_iter().find(|&row| pixels.get(row) == Some(&true))
                else {
                    continue;
                };
                let start = pixels[..row].iter().rposition(|&on| !on).map_or(0, |off| off + 1);
                let end = pixels[row..].iter().position(|&on| !on).map_or(rows, |off| row + off);
                if end - start <= most {
                    pixels[start..end].fill(false);
                }
            }
        }
    }
}

/// The runs of a column, from the top.
fn runs(pixels: &[bool], column: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut start = 0;
    for part in pixels.chunk_by(|a, b| a == b) {
        let end = start + part.len();
        if part[0] {
            runs.push(Run { column, start, end });
        }
        start = end;
    }
    runs
}
