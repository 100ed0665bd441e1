//! The steps, and a whole picture.
