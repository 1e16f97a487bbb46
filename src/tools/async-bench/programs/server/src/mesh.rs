//! A mesh of actors: each has an inbox and knows all others, and a request may go through several.

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use crate::answers::{Answers, mix};

/// How many actors there are.
const ACTORS: usize = 8;

/// How many clients ask at the same time.
const CLIENTS: u32 = 4;

/// How many messages an inbox holds.
const CAPACITY: usize = 16;

/// How many numbers an actor has.
const NUMBERS: usize = 64;

/// How often a request is passed on.
const HOPS: usize = 4;

/// What an actor gets.
enum Message {
    Add {
        key: usize,
        number: u64,
    },
    /// To be answered by the actor that is so many hops away.
    Get {
        key: usize,
        hops: usize,
        answer: oneshot::Sender<u64>,
    },
    Stop,
}

/// How others reach an actor.
#[derive(Clone)]
struct Handle(mpsc::Sender<Message>);

impl Handle {
    async fn add(&self, key: usize, number: u64) -> Option<()> {
        self.send(Message::Add { key, number }).await
    }

    async fn get(&self, key: usize, hops: usize) -> Option<u64> {
        let (answer, received) = oneshot::channel();
        self.send(Message::Get { key, hops, answer }).await?;
        received.await.ok()
    }

    async fn stop(&self) -> Option<()> {
        self.send(Message::Stop).await
    }

    /// Gives nothing if the actor has stopped.
    async fn send(&self, message: Message) -> Option<()> {
        self.0.send(message).await.ok()
    }
}

struct Actor {
    place: usize,
    inbox: mpsc::Receiver<Message>,
    peers: Vec<Handle>,
    numbers: Vec<u64>,
}

impl Actor {
    /// Handles messages until the one to stop, and returns how many there were.
    async fn run(mut self) -> u64 {
        let mut handled = 0;
        while let Some(message) = self.inbox.recv().await {
            if !self.handle(message).await {
                break;
            }
            handled += 1;
        }
        handled
    }

    /// Returns whether to go on.
    async fn handle(&mut self, message: Message) -> bool {
        match message {
            Message::Add { key, number } => self.add(key, number).await,
            Message::Get { key, hops: 0, answer } => {
                // A client that is gone needs no answer.
                let _ = answer.send(self.value(key).await);
            }
            Message::Get { key, hops, answer } => self.pass_on(key, hops, answer).await,
            Message::Stop => return false,
        }
        true
    }

    async fn add(&mut self, key: usize, number: u64) {
        self.numbers[key % NUMBERS] += number;
    }

    async fn value(&self, key: usize) -> u64 {
        self.numbers[key % NUMBERS]
    }

    async fn pass_on(&self, key: usize, hops: usize, answer: oneshot::Sender<u64>) {
        let peer = &self.peers[(self.place + hops) % ACTORS];
        // A peer that has stopped drops the answer, and so the client learns of it.
        peer.send(Message::Get { key: key + 1, hops: hops - 1, answer }).await;
    }
}

/// Has clients ask all actors in turn.
pub async fn run(requests: u32) -> Answers {
    let (peers, inboxes): (Vec<_>, Vec<_>) = (0..ACTORS)
        .map(|_| mpsc::channel(CAPACITY))
        .map(|(sender, inbox)| (Handle(sender), inbox))
        .unzip();
    let mut futures = Vec::new();
    let mut actors = Vec::new();
    for (place, inbox) in inboxes.into_iter().enumerate() {
        let actor = Actor { place, inbox, peers: peers.clone(), numbers: vec![0; NUMBERS] }.run();
        if place == 0 {
            futures.push(("actor", size_of_val(&actor)));
        }
        actors.push(spawn_local(actor));
    }
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let client = ask(peers.clone(), requests / CLIENTS);
        if number == 0 {
            futures.push(("client", size_of_val(&client)));
        }
        clients.push(spawn_local(client));
    }
    let mut checksum = 0;
    for client in clients {
        let answers = client.await.expect("a client does not panic");
        checksum = mix(checksum, answers.expect("all actors are there"));
    }
    for actor in &peers {
        actor.stop().await.expect("no actor stops before");
    }
    for actor in actors {
        checksum = mix(checksum, actor.await.expect("an actor does not panic"));
    }
    Answers { checksum, futures }
}

/// A client: returns the checksum of the answers.
async fn ask(actors: Vec<Handle>, requests: u32) -> Option<u64> {
    let mut checksum = 0;
    for request in 0..requests as usize {
        let actor = &actors[request % ACTORS];
        match request % 3 {
            0 => actor.add(request, 3).await?,
            1 => checksum = mix(checksum, actor.get(request, 0).await?),
            _ => checksum = mix(checksum, actor.get(request, HOPS).await?),
        }
    }
    Some(checksum)
}
