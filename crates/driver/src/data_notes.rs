//! Notes on data that cannot teach, or teaches something else than meant. A usual set gets none.

use twolayer_idx::Split as Half;

use crate::number_format::{count, grouped};

/// Pixels of real images reach far above this.
const DIM: u8 = 63;

/// The middle of the range of a pixel.
const MIDDLE: u64 = 127;

/// The most classes that are listed.
const LISTED: usize = 10;

/// What a look at all images tells.
#[derive(Clone)]
pub struct Noted {
    pub notes: Vec<String>,
    /// Whether the images are dark on light.
    pub light_paper: bool,
}

/// Looks at the training set: its notes come after those on how both sets were read.
pub fn look(train: &Half, test: Option<&Half>, classes: usize) -> Noted {
    let light_paper = paper_is_light(train);
    let mut all = of_reading(train, test);
    all.extend(notes(train, classes, light_paper));
    Noted { notes: all, light_paper }
}

/// Notes on how both sets were read, each once.
pub fn of_reading(train: &Half, test: Option<&Half>) -> Vec<String> {
    let mut all = train.notes().to_vec();
    let of_test = test.map(Half::notes).unwrap_or_default();
    all.extend(of_test.iter().filter(|note| !train.notes().contains(note)).cloned());
    all
}

/// Notes on the training set, whose labels are below `classes`; `light_paper` is what [`paper_is_light`] says of it.
fn notes(train: &Half, classes: usize, light_paper: bool) -> Vec<String> {
    let brightest = train.images().iter().copied().max().unwrap_or(0);
    let mut notes = Vec::new();
    if train.images().chunks_exact(train.inputs()).all(|image| image == &train.images()[..train.inputs()]) {
        let images = count(train.rows(), "training image");
        notes.push(format!("all {images} have the same pixels: there is nothing to learn; check the file of images"));
    } else if brightest <= DIM {
        notes.push(format!(
            "no pixel is above {brightest}; expected are 0 to 255, which the network sees as 0 to 1, so that it sees almost \
             nothing; multiply the pixels by {}",
            255 / brightest.max(1)
        ));
    }
    if light_paper {
        notes.push(
            "the images have dark ink on light paper, unlike MNIST: the network learns them as they are, and `predict` \
             turns your own pictures to match"
                .into(),
        );
    }
    notes.extend(empty_classes(train, classes));
    notes
}

/// Whether the images are dark on light, as on paper: light along their borders, and on average.
fn paper_is_light(train: &Half) -> bool {
    let (height, width) = (train.height(), train.width());
    if height < 3 || width < 3 {
        return false;
    }
    let (mut border, mut all) = (0u64, 0u64);
    for image in train.images().chunks_exact(height * width) {
        all += image.iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
        for (row, pixels) in image.chunks_exact(width).enumerate() {
            border += match row == 0 || row + 1 == height {
                true => pixels.iter().map(|&pixel| u64::from(pixel)).sum(),
                false => u64::from(pixels[0]) + u64::from(pixels[width - 1]),
            };
        }
    }
    let (rows, around) = (train.rows() as u64, 2 * (height + width - 2) as u64);
    border > MIDDLE * rows * around && all > MIDDLE * rows * (height * width) as u64
}

/// A note on classes that no training image has.
fn empty_classes(train: &Half, classes: usize) -> Option<String> {
    // By the labels there are: the classes may be more than memory holds.
    let mut present = train.labels().to_vec();
    present.sort_unstable();
    present.dedup();
    let empty = (0..classes).filter(|&class| present.binary_search(&(class as u32)).is_err());
    let listed: Vec<String> = empty.take(LISTED).map(|class| class.to_string()).collect();
    let more = classes - present.len() - listed.len();
    match listed.as_slice() {
        [] => None,
        [only] if only == "0" => Some(format!(
            "the labels are from 1 to {}, and class 0 has no training image; if they count from 1, subtract 1 from each",
            classes - 1
        )),
        [only] => Some(format!("class {only}: no training image, so that it is never predicted")),
        several => {
            let more = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
            Some(format!("classes {}{more}: no training image, so that they are never predicted", several.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Split;
    use crate::data::Source;
    use twolayer_idx::{Idx, Split as Half};

    fn told(train: &Half, classes: usize) -> Vec<String> {
        notes(train, classes, paper_is_light(train))
    }

    fn half(pixels: Vec<u8>, labels: Vec<u8>) -> Half {
        let images = Idx::new(vec![labels.len(), 4, 4], pixels).unwrap();
        Half::pair(("images", images), ("labels", Idx::new(vec![labels.len()], labels).unwrap())).unwrap()
    }

    /// Two images with a dark border.
    fn usual() -> Vec<u8> {
        let mut pixels = vec![0; 32];
        pixels[5..7].fill(255);
        pixels[16 + 9..16 + 11].fill(200);
        pixels
    }

    #[test]
    fn a_usual_set_gets_no_note() {
        assert_eq!(told(&half(usual(), vec![0, 1]), 2), [""; 0]);
        let bundled = Source::of(None, None).load_half(Split::Train, true).unwrap();
        assert_eq!(told(&bundled, 10), [""; 0]);
    }

    #[test]
    fn each_fault_gets_its_note() {
        let dim: Vec<u8> = usual().iter().map(|&pixel| u8::from(pixel > 0)).collect();
        let light: Vec<u8> = usual().iter().map(|pixel| 255 - pixel).collect();
        for (pixels, labels, classes, words) in [
            (dim, vec![0, 1], 2, ["no pixel is above 1;", "by 255"]),
            (vec![7; 32], vec![0, 1], 2, ["all 2 training images have the same pixels", "nothing to learn"]),
            (light, vec![0, 1], 2, ["dark ink on light paper", "predict"]),
            (usual(), vec![1, 2], 3, ["labels are from 1 to 2", "subtract 1"]),
            (usual(), vec![0, 2], 3, ["class 1: no training image", "never predicted"]),
            (usual(), vec![0, 0], 20, ["classes 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 9 more", "never predicted"]),
        ] {
            let told = told(&half(pixels, labels), classes);
            assert!(told.len() == 1 && words.iter().all(|word| told[0].contains(word)), "{words:?}: {told:?}");
        }
    }
}
