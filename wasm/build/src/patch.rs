//! Unified diffs, read as texts to find and to replace.
//!
//! A hunk is applied wherever its old lines are; line numbers are not looked at.

use anyhow::{Context, Result, bail, ensure};

/// A hunk: a part of a file before and after the change.
#[derive(Debug, PartialEq)]
pub struct Hunk {
    /// The file, without the first directory of the name in the diff.
    pub file: String,
    /// The lines before, each with its line feed.
    pub old: String,
    /// The lines after.
    pub new: String,
}

/// Returns the hunks of the diff `text`. What is outside of hunks is for readers.
pub fn hunks(text: &str) -> Result<Vec<Hunk>> {
    let mut hunks = Vec::new();
    let mut file = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("+++ ") {
            let (_, path) = name
                .split_once('/')
                .context("a file's name begins with b/")?;
            file = Some(path.to_owned());
        } else if line.starts_with("@@ ") {
            let file = file.clone().context("a hunk without a file")?;
            let hunk = hunk(file, sizes(line)?, &mut lines);
            hunks.push(hunk.with_context(|| format!("in the hunk {line}"))?);
        }
    }
    ensure!(!hunks.is_empty(), "the diff has no hunk");
    Ok(hunks)
}

/// Returns the numbers of lines before and after that the head of a hunk names.
fn sizes(head: &str) -> Result<(usize, usize)> {
    let size = |sign: char| {
        let range = head.split(' ').find(|part| part.starts_with(sign));
        let range = range.with_context(|| format!("not the head of a hunk: {head}"))?;
        let size = range.split_once(',').map_or("1", |(_, size)| size);
        Ok::<usize, anyhow::Error>(size.parse()?)
    };
    Ok((size('-')?, size('+')?))
}

fn hunk<'a>(
    file: String,
    (mut before, mut after): (usize, usize),
    lines: &mut impl Iterator<Item = &'a str>,
) -> Result<Hunk> {
    let (mut old, mut new) = (String::new(), String::new());
    while before > 0 || after > 0 {
        let line = lines.next().context("the diff is cut off")?;
        let (kind, text) = line.split_at_checked(1).unwrap_or((" ", ""));
        let (is_old, is_new) = match kind {
            " " => (true, true),
            "-" => (true, false),
            "+" => (false, true),
            _ => bail!("not a line of a hunk: {line}"),
        };
        if is_old {
            old += text;
            old.push('\n');
            before = before.checked_sub(1).context("too many old lines")?;
        }
        if is_new {
            new += text;
            new.push('\n');
            after = after.checked_sub(1).context("too many new lines")?;
        }
    }
    Ok(Hunk { file, old, new })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_is_a_text_before_and_after() -> Result<()> {
        let diff = "\
A reason.
--- a/one.c
+++ b/one.c
@@ -1,3 +1,3 @@
 before
--- old
+new
 after
@@ -7 +7,2 @@ function

+++ added
--- a/two/two.h
+++ b/two/two.h
@@ -1 +0,0 @@
-gone
";
        let hunk = |file: &str, old: &str, new: &str| Hunk {
            file: file.into(),
            old: old.into(),
            new: new.into(),
        };
        assert_eq!(
            hunks(diff)?,
            [
                hunk("one.c", "before\n-- old\nafter\n", "before\nnew\nafter\n"),
                hunk("one.c", "\n", "\n++ added\n"),
                hunk("two/two.h", "gone\n", ""),
            ]
        );
        Ok(())
    }

    #[test]
    fn what_is_no_diff_is_an_error() {
        for text in [
            "",
            "no hunk",
            "@@ -1 +1 @@\n-a\n+b\n",
            "+++ b/a\n@@ -1 +1 @@\n?\n",
            "+++ b/a\n@@ -1,2 +1 @@\n-a\n+b\n",
            "+++ b/a\n@@ @@\n-a\n+b\n",
        ] {
            assert!(hunks(text).is_err(), "{text}");
        }
    }
}
