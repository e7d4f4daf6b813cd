//! The reference of the cold path: the same two requests to the same STS, unsigned, over one plain
//! socket each, and nothing else.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

fn main() {
    let port = std::env::args().nth(1).expect("usage: plain_http PORT");
    // Made up: what is measured is a request of this form, and moto only reads its service.
    let signature = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/sts/\
                     aws4_request, SignedHeaders=host, Signature=0";
    let role = "RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2FAdmin&RoleSessionName=bench";
    for action in ["GetSessionToken".to_owned(), format!("AssumeRole&{role}")] {
        let body = format!("Action={action}&Version=2011-06-15");
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("the STS answers");
        let request = format!(
            "POST / HTTP/1.1\r\nHost: sts.us-east-1.amazonaws.com\r\nConnection: close\r\n\
             Authorization: {signature}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let answer = read_answer(&mut stream);
        assert!(answer.contains("200 OK") && answer.contains("<AccessKeyId>"), "{answer}");
    }
}

/// The head and as many bytes as it announces: servers take their time to close.
fn read_answer(stream: &mut TcpStream) -> String {
    let (mut answer, mut buffer) = (Vec::new(), [0; 16 << 10]);
    loop {
        let length = stream.read(&mut buffer).expect("an answer comes");
        answer.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            length.and_then(|(_, n)| n.parse().ok()).is_some_and(|n: usize| body.len() >= n)
        });
        if whole || length == 0 {
            return text;
        }
    }
}
