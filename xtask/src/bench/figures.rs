//! Figures of the program as a newcomer meets it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::postgres::free_port;
use crate::process::{Outcome, output, root};

/// Start, memory, size, demo and lines.
pub(super) fn figures() -> Outcome {
    let program = super::release()?;
    let size = std::fs::metadata(&program).map_err(|error| error.to_string())?.len();
    println!("binary: {:.1} MB", size as f64 / 1e6);

    let home = std::env::temp_dir().join(format!("ropewalk-bench-{}", std::process::id()));
    let mut starts = Vec::new();
    let mut memory = 0;
    for _ in 0..7 {
        let port = free_port()?;
        let started = Instant::now();
        let mut server = start(&program, &home, port)?;
        let answered = wait_for_answer(port, started);
        std::thread::sleep(Duration::from_secs(1));
        memory = memory.max(resident_kb(server.id()));
        let _ = server.kill();
        let _ = server.wait();
        starts.push(answered?);
    }
    starts.sort_by(f64::total_cmp);
    println!(
        "up to first 200: median {:.3} s (least {:.3}, most {:.3}; 7 starts, the first on a new home)",
        starts[3], starts[0], starts[6]
    );
    println!("idle RSS: {:.1} MB", memory as f64 / 1024.0);
    let _ = std::fs::remove_dir_all(&home);

    let started = Instant::now();
    let summary = output(
        Command::new(&program).args(["demo", "--exit", "--port", "0", "-o", "json", "--home"]).arg(&home),
    )?;
    println!("demo: {:.1} s as a whole process\n{}", started.elapsed().as_secs_f64(), summary.trim());
    let _ = std::fs::remove_dir_all(&home);
    lines()
}

fn start(program: &Path, home: &Path, port: u16) -> Outcome<Child> {
    Command::new(program)
        .args(["up", "--quiet", "--port", &port.to_string(), "--home"])
        .arg(home)
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())
}

fn wait_for_answer(port: u16, started: Instant) -> Outcome<f64> {
    use std::io::{Read, Write};
    while started.elapsed() < Duration::from_secs(30) {
        if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) {
            let request =
                format!("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
            let mut answer = String::new();
            if stream.write_all(request.as_bytes()).is_ok()
                && stream.read_to_string(&mut answer).is_ok()
                && answer.starts_with("HTTP/1.1 200")
            {
                return Ok(started.elapsed().as_secs_f64());
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err("the server did not answer within 30 seconds".to_owned())
}

fn resident_kb(process: u32) -> u64 {
    std::fs::read_to_string(format!("/proc/{process}/status"))
        .ok()
        .and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        })
        .unwrap_or(0)
}

/// Lines of Rust by crate, and of the web app.
fn lines() -> Outcome {
    let mut total = 0;
    let crates = std::fs::read_dir(root().join("crates")).map_err(|error| error.to_string())?;
    let mut folders: Vec<PathBuf> = crates.flatten().map(|entry| entry.path()).collect();
    folders.push(root().join("xtask"));
    folders.push(root().join("web/src"));
    folders.sort();
    for folder in folders {
        let lines = count(&folder);
        total += lines;
        println!("{lines:>7} lines  {}", folder.strip_prefix(root()).unwrap_or(&folder).display());
    }
    println!("{total:>7} lines in all");
    Ok(())
}

fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| entry.path())
        .map(|path| {
            let counted = path
                .extension()
                .is_some_and(|kind| ["rs", "svelte", "ts", "css"].iter().any(|one| kind == *one));
            if path.is_dir() {
                count(&path)
            } else if counted {
                std::fs::read_to_string(&path).map_or(0, |text| text.lines().count())
            } else {
                0
            }
        })
        .sum()
}
