//! Each limit of a run or a request ends as /docs and the README say.

mod common;

use std::fs;
use std::path::Path;

use clap::{Args, Command};
use common::{HELLO, Response, Server, execute, post};
use python_executor::config::Config;
use serde_json::json;

const SETTINGS: &[(&str, &str)] = &[
    ("CPU_LIMIT", "300ms"),
    ("WALL_LIMIT", "2s"),
    ("HOST_CALLS_LIMIT", "100000"),
    ("BODY_TIMEOUT", "300ms"),
];

/// A row of a table of limits.
struct Row {
    limit: String,
    value: String,
    exceeded: String,
}

/// The rows of the table in /docs, each under the name of its setting.
fn documented(server: &Server) -> Vec<Row> {
    let page = server.get("/docs").body;
    let (_, section) = page.split_once("id=\"limits\"").expect("there are limits");
    let (section, _) = section.split_once("</table>").expect("they are a table");
    let rows = section.split("<tr>").filter(|row| row.contains("<td>"));
    rows.map(|row| {
        let cells = row.split("<td>").skip(1);
        let cells = cells.filter_map(|cell| cell.split("</td>").next());
        let cells: Vec<_> = cells
            .map(|cell| cell.replace("<code>", "").replace("</code>", ""))
            .collect();
        Row {
            limit: cells[3].clone(),
            value: cells[1].clone(),
            exceeded: cells[2].clone(),
        }
    })
    .collect()
}

/// The rows of the table in the README.
fn in_readme() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).expect("there is a README");
    let (_, section) = text
        .split_once("## Limits of a run")
        .expect("there are limits");
    let (section, _) = section.split_once("\n## ").expect("more follows");
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    rows.filter(|cells| cells[0] != "| limit")
        .map(|cells| Row {
            limit: cells[0].trim_start_matches("| ").to_owned(),
            value: cells[1].to_owned(),
            exceeded: cells[2].to_owned(),
        })
        .collect()
}

/// Exceeds a limit, by its setting.
fn exceed(server: &Server, setting: &str) -> Response {
    let script = match setting {
        "CPU_LIMIT" => "def main():\n    while True: pass\n",
        "WALL_LIMIT" => "import time\ndef main():\n    time.sleep(60)\n",
        "MEMORY_LIMIT" => "def main():\n    return len(bytearray(100_000_000))\n",
        "STDOUT_LIMIT" => "def main():\n    print('x' * 2_000_000)\n",
        "STDERR_LIMIT" => "import sys\ndef main():\n    sys.stderr.write('x' * 2_000_000)\n",
        "RESULT_LIMIT" => "def main():\n    return 'x' * 9_000_000\n",
        "RESULT_DEPTH" => {
            "def main():\n    value = []\n    for _ in range(300):\n        value = [value]\n    return value\n"
        }
        "OPEN_FILES_LIMIT" => {
            "def main():\n    files = [open(f'file{number}', 'w') for number in range(20)]\n"
        }
        "DISK_LIMIT" => "def main():\n    open('file', 'wb', 0).write(bytes(20_000_000))\n",
        "ENTRIES_LIMIT" => {
            "import os\ndef main():\n    for number in range(1100):\n        os.mkdir(str(number))\n"
        }
        "HOST_CALLS_LIMIT" => "import time\ndef main():\n    while True: time.time()\n",
        "FILES_LIMIT" => {
            let script = "def main():\n    open('file', 'w').write('x' * 9_000_000)\n";
            let body = json!({"script": script, "options": {"include": ["files"]}});
            return server.raw(post(
                "Content-Type: application/json\r\n",
                &body.to_string(),
            ));
        }
        "BODY_LIMIT" => return server.execute(&"#".repeat(9 << 20)),
        "SCRIPT_LIMIT" => return server.execute(&"#".repeat(2 << 20)),
        "BODY_TIMEOUT" => {
            let request = execute(HELLO);
            return server.raw(&request[..request.len() - 1]);
        }
        "QUEUE_TIMEOUT" => {
            let full = [
                ("QUEUE_TIMEOUT", "50ms"),
                ("WALL_LIMIT", "60s"),
                ("MAX_CONCURRENT", "1"),
                ("MAX_QUEUE", "1"),
            ];
            let server = Server::start(&full);
            let _running = server.begin("import time\ndef main():\n    time.sleep(60)\n");
            return server.execute(HELLO);
        }
        other => panic!("nothing exceeds {other}"),
    };
    server.execute(script)
}

/// Whether a client gets what `exceeded` says.
fn matches(exceeded: &str, response: &Response) -> bool {
    let alternatives = exceeded.split([';', ',']).map(str::trim);
    let mut alternatives = alternatives.map(|text| text.trim_start_matches("or "));
    if response.status == 200 {
        // The only limit that is no error.
        response.body.contains("omitted") && exceeded.contains("omitted")
    } else if response.kind() == "exception" {
        let error = response.error();
        alternatives.any(|text| error.starts_with(text))
    } else {
        alternatives.any(|text| text.split(' ').next() == Some(response.kind()))
    }
}

#[test]
fn the_documentation_says_how_each_limit_ends() {
    let server = Server::start(SETTINGS);
    let rows = documented(&server);
    assert!(rows.len() > 10, "there are {} rows", rows.len());
    for Row {
        limit, exceeded, ..
    } in rows
    {
        let response = exceed(&server, &limit);
        assert!(
            matches(&exceeded, &response),
            "{limit}: {exceeded:?}: {response:?}"
        );
    }
}

/// The settings of each row in the README.
const IN_README: [(&str, &str); 14] = [
    ("processor time", "CPU_LIMIT"),
    ("wall clock", "WALL_LIMIT"),
    ("memory", "MEMORY_LIMIT"),
    ("open files", "OPEN_FILES_LIMIT"),
    ("temporary directory", "DISK_LIMIT"),
    ("temporary directory", "ENTRIES_LIMIT"),
    ("stdout, stderr", "STDOUT_LIMIT"),
    ("stdout, stderr", "STDERR_LIMIT"),
    ("result", "RESULT_LIMIT"),
    ("result", "RESULT_DEPTH"),
    ("calls to the host", "HOST_CALLS_LIMIT"),
    ("files returned", "FILES_LIMIT"),
    ("request body", "BODY_LIMIT"),
    ("script", "SCRIPT_LIMIT"),
];

#[test]
fn the_readme_says_how_each_limit_ends() {
    let server = Server::start(SETTINGS);
    for Row {
        limit, exceeded, ..
    } in in_readme()
    {
        let settings = IN_README.iter().filter(|(name, _)| *name == limit);
        let mut settings = settings.peekable();
        assert!(settings.peek().is_some(), "{limit} has no setting here");
        for (_, setting) in settings {
            let response = exceed(&server, setting);
            let (status, kind) = (response.status.to_string(), response.kind());
            let documented = if response.status == 200 {
                response.body.contains("omitted") && exceeded.contains("omitted")
            } else if kind == "exception" {
                let error = response.error();
                let (name, _) = error.split_once(':').unwrap_or((&error, ""));
                exceeded.contains(&format!("`{name}`"))
            } else {
                exceeded.contains(&format!("`{kind}`")) || exceeded.contains(&status)
            };
            assert!(documented, "{limit}: {exceeded:?}: {response:?}");
        }
    }
}

/// Separates a number from its unit: `5 s`.
fn spaced(value: &str) -> String {
    let unit = value.find(char::is_alphabetic).unwrap_or(value.len());
    let (number, unit) = value.split_at(unit);
    format!("{number} {unit}").trim_end().to_owned()
}

#[test]
fn the_readme_has_the_default_of_each_limit() {
    let rows = in_readme();
    let command = Config::augment_args(Command::new("python-executor"));
    for (limit, setting) in IN_README {
        let mut args = command.get_arguments();
        let arg = args.find(|arg| arg.get_env() == Some(setting.as_ref()));
        let arg = arg.expect("the setting exists");
        let default = spaced(&arg.get_default_values()[0].to_string_lossy());
        let row = rows.iter().find(|row| row.limit == limit);
        let value = &row.expect("the limit has a row").value;
        // As whole words: 10 is not 100.
        let words = format!(" {} ", value.replace(", ", " ").replace(',', ""));
        let found = words.contains(&format!(" {default} "));
        assert!(found, "{setting} is {default}: {value:?}");
    }
}

/// The names in the README are those of Linux.
#[test]
fn the_readme_names_the_numbers_of_errors() {
    let server = Server::start(SETTINGS);
    let text = in_readme();
    for (limit, setting, name) in [
        ("open files", "OPEN_FILES_LIMIT", "EMFILE"),
        ("temporary directory", "DISK_LIMIT", "ENOSPC"),
    ] {
        let row = text.iter().find(|row| row.limit == limit);
        let row = row.expect("the limit has a row");
        assert!(row.exceeded.contains(name), "{limit}: {}", row.exceeded);
        let error = exceed(&server, setting).error();
        let number = error.split(['[', ']']).nth(1).expect("it has a number");
        let number = number.trim_start_matches("Errno ");
        let script =
            format!("import errno\ndef main():\n    return errno.errorcode.get({number})\n");
        assert_eq!(server.execute(&script).json()["result"], name, "{error}");
    }
}
