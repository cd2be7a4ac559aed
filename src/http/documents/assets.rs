//! Styles and scripts of the pages, which are part of the program.

use super::document::{CSS, JAVASCRIPT, SVG};

/// Returns path, media type and text of each file.
macro_rules! assets {
    ($($name:literal $media_type:expr,)*) => {
        [$((concat!("/assets/", $name), $media_type, include_str!(concat!("assets/", $name)))),*]
    };
}

/// Path, media type and text of each file.
pub(super) const ASSETS: [(&str, &str, &str); 18] = assets![
    "style.css" CSS,
    "playground.css" CSS,
    "icon.svg" SVG,
    "theme.js" JAVASCRIPT,
    "copy.js" JAVASCRIPT,
    "docs.js" JAVASCRIPT,
    "main.js" JAVASCRIPT,
    "editor.js" JAVASCRIPT,
    "examples.js" JAVASCRIPT,
    "input.js" JAVASCRIPT,
    "json.js" JAVASCRIPT,
    "link.js" JAVASCRIPT,
    "output.js" JAVASCRIPT,
    "python.js" JAVASCRIPT,
    "scripts.js" JAVASCRIPT,
    "shown.js" JAVASCRIPT,
    "stream.js" JAVASCRIPT,
    "tabs.js" JAVASCRIPT,
];
