//! Tokens, and services behind TLS.

use std::sync::Arc;

use config::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sinks::{Outcome, Sink, Trouble};
use testkit::dlm::{Dlm, Fault, Service};
use testkit::redis::Certificates;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::rig::{Rig, deliver_all};

const TOKEN: &str = "very-secret-token-0815";

#[tokio::test]
async fn a_token_is_sent_with_every_request() {
    let mut rig = Rig::with(Dlm::builder().usual_state().token(TOKEN).start());
    rig.plan.token = Some(Secret::new(TOKEN));
    rig.plan.follow_copies = true;
    deliver_all(&mut rig.sink(), &[rig.family(1, "dp")]).await;
    rig.assert_whole("dp", "with a token");
    let expected = format!("Bearer {TOKEN}");
    assert!(rig.dlm.requests().iter().all(|one| one.header("authorization") == Some(&expected)));
}

#[tokio::test]
async fn a_wrong_token_is_for_a_person_and_never_shown() {
    for token in [None, Some("a-wrong-token-4711")] {
        let mut rig = Rig::with(Dlm::builder().usual_state().token(TOKEN).start());
        rig.plan.token = token.map(Secret::new);
        let event = rig.family(1, "dp");
        let mut sink = rig.sink();
        let trouble = sink.prepare().await.unwrap_err();
        assert!(
            matches!(&trouble, Trouble::Misconfigured(text) if text.starts_with("E-DLM-TOKEN")),
            "{trouble:?}"
        );
        rig.dlm.set_token(None);
        sink.prepare().await.unwrap();
        // A token may also end while products are made.
        rig.dlm.set_token(Some(TOKEN));
        let later = sink.deliver(std::slice::from_ref(&event)).await.unwrap_err();
        assert!(
            matches!(&later, Trouble::Misconfigured(text) if text.starts_with("E-DLM-TOKEN")),
            "{later:?}"
        );
        rig.dlm.set_token(None);
        deliver_all(&mut sink, &[event]).await;
        rig.assert_whole("dp", "after the token was corrected");
        for text in [format!("{trouble:?} {trouble} {later:?} {later}"), format!("{sink:?} {:?}", rig.plan)] {
            assert!(!text.contains("4711"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_token_is_in_no_message() {
    let mut rig = Rig::new();
    rig.plan.token = Some(Secret::new(TOKEN));
    rig.plan.status_file = Some(rig.beside("missing/status.json"));
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    let mut texts = vec![format!("{sink:?}")];
    for (seq, case) in (1..).zip(crate::answers::cases()) {
        if case.label.starts_with("hangs") {
            continue;
        }
        rig.dlm.inject(case.fault(false).at("register_data_item"));
        texts.push(format!("{:?}", sink.deliver(&[rig.file(seq, &format!("f{seq}"))]).await));
    }
    let page = format!("request was: authorization: Bearer {TOKEN}");
    rig.dlm.inject(Fault::answer(500, "text/plain", page).at("register_data_item").once());
    texts.push(format!("{:?}", sink.deliver(&[rig.file(998, "echo")]).await));
    rig.dlm.ingest().stop();
    texts.push(format!("{:?} {:?}", sink.ping().await, sink.deliver(&[rig.file(999, "f")]).await));
    rig.plan.token = Some(Secret::new(format!("{TOKEN}\n")));
    texts.push(format!("{:?}", rig.sink().prepare().await));
    texts.extend(rig.remarks());
    let steps = rig.book.notes().into_iter().flat_map(|noted| noted.note.steps);
    texts.extend(steps.map(|step| String::from_utf8_lossy(&step).into_owned()));
    assert!(texts.len() > 20);
    assert!(texts.iter().all(|text| !text.contains(TOKEN)), "{texts:?}");
}

/// A front that speaks TLS, as a gateway does.
async fn front(service: &Service, certificates: &Certificates) -> String {
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificates.server.certificate())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(certificates.server.key()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (here, there) = (listener.local_addr().unwrap().port(), service.port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outer) = acceptor.accept(stream).await else { return };
                let Ok(mut inner) = TcpStream::connect(("127.0.0.1", there)).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    format!("https://127.0.0.1:{here}")
}

#[tokio::test]
async fn services_behind_tls_are_trusted_by_their_authority_only() {
    let certificates = Certificates::new();
    let mut rig = Rig::new();
    rig.plan.ingest_url = front(rig.dlm.ingest(), &certificates).await;
    rig.plan.request_url = front(rig.dlm.request(), &certificates).await;
    rig.plan.storage_url = front(rig.dlm.storage(), &certificates).await;
    rig.plan.migration_url = front(rig.dlm.migration(), &certificates).await;
    rig.plan.token = Some(Secret::new(TOKEN));
    rig.plan.ca_file = Some(rig.beside("missing.pem"));
    let trouble = rig.sink().prepare().await.unwrap_err();
    assert!(matches!(&trouble, Trouble::Misconfigured(text) if text.contains("missing.pem")), "{trouble:?}");
    let stranger = Certificates::new();
    rig.plan.ca_file = Some(stranger.authority());
    let trouble = rig.sink().prepare().await.unwrap_err();
    assert!(trouble.to_string().contains("certificate"), "{trouble}");
    assert_eq!(rig.dlm.total(), 0, "nothing is said to somebody who is not trusted");
    rig.plan.ca_file = Some(certificates.authority());
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.family(1, "dp")]).await;
    sink.ping().await.unwrap();
    rig.assert_whole("dp", "over TLS");
}

/// A gateway that sends whoever is not logged in to a page for people: nobody is asked there, least of all with a token.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut rig = Rig::new();
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    drop(sink);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap());
    let elsewhere = rig.dlm.ingest().url();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere}/ingest/register_data_item?item_name=wrong&uri=x\
                 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let real = std::mem::replace(&mut rig.plan.ingest_url, gateway);
    let event = rig.file(1, "f");
    let trouble = rig.sink().deliver(std::slice::from_ref(&event)).await.unwrap_err();
    assert!(
        matches!(&trouble, Trouble::Misconfigured(text) if text.starts_with("E-DLM-ADDRESS")),
        "{trouble:?}"
    );
    assert_eq!(rig.dlm.count("register_data_item"), 0);
    rig.plan.ingest_url = real;
    deliver_all(&mut rig.sink(), &[event]).await;
    rig.dlm.inject(Fault::internal_error());
    let outcomes = rig.sink().deliver(&[rig.file(2, "g")]).await;
    assert!(!matches!(outcomes, Ok(ref all) if all[0] == Outcome::Delivered));
}
