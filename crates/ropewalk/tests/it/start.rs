//! How a server begins: one a home, one a port.

use std::net::TcpListener;

use crate::support::Place;

#[test]
fn a_taken_port_is_told() {
    let place = Place::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let done = place.run(&["up", "--port", &port]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(done.out, "");
    assert!(done.err.contains(&format!("port {port}")) && done.err.contains("taken"), "{}", done.err);
    assert!(done.err.contains("hint: ropewalk up --port"), "{}", done.err);
    assert!(!place.home().join("server.json").exists());
    // The home is as usable as before.
    place.ok(&["data", "ls"]);
    drop(holder);
    place.up().stop();
}

#[test]
fn a_home_has_one_server() {
    let place = Place::new();
    let server = place.up();
    assert_eq!(server.get("/api/v1/home").json()["process"], server.process());
    let done = place.run(&["up", "--port", "0"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains(&server.address) && done.err.contains("hint: "), "{}", done.err);
    // The first one still answers, and its note is still there.
    assert_eq!(server.get("/health").status, 200);
    place.ok(&["data", "ls"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let note = std::fs::metadata(place.home().join("server.json")).unwrap();
        assert_eq!(note.permissions().mode() & 0o077, 0, "the note holds a token: it is its owner's only");
    }
    server.stop();
    assert!(!place.home().join("server.json").exists());
    // The note of a killed server is no obstacle.
    place.up().kill();
    assert!(place.home().join("server.json").exists());
    place.ok(&["data", "ls"]);
    place.up().stop();
}

#[test]
fn of_servers_that_start_at_once_one_stays() {
    let place = Place::new();
    let start = |name: &str| {
        place
            .command(&["up", "--port", "0"])
            .stdout(std::process::Stdio::null())
            .stderr(std::fs::File::create(place.folder().join(name)).unwrap())
            .spawn()
            .unwrap()
    };
    let mut servers: Vec<_> = ["one", "two", "three"].map(|name| (name, start(name))).into();
    let began = std::time::Instant::now();
    while servers.len() > 1 && began.elapsed() < std::time::Duration::from_secs(60) {
        servers.retain_mut(|(name, server)| {
            let Some(status) = server.try_wait().unwrap() else { return true };
            let words = std::fs::read_to_string(place.folder().join(name)).unwrap();
            assert_eq!(status.code(), Some(1), "{words}");
            assert!(words.contains("a server has the home") && words.contains("hint: "), "{words}");
            false
        });
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(servers.len(), 1, "several servers have the same home");
    for (_, mut server) in servers {
        assert!(server.try_wait().unwrap().is_none());
        server.kill().unwrap();
        server.wait().unwrap();
    }
    place.up().stop();
}

#[test]
fn an_interrupted_command_says_so() {
    let place = Place::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let mut child = place.command(&["data", "ls", "--server", &address]).spawn().unwrap();
    // The command waits for an answer that does not come.
    let _connection = silent.accept().unwrap();
    let process = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: the process is a child that was not waited for, so that its number is still its own.
    assert_eq!(unsafe { libc::kill(process, libc::SIGINT) }, 0);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
