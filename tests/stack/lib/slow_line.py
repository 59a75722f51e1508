"""A slow line to a node: a relay on this machine that hands on what each side says a while later, or, held, nothing of what the client says.

    with SlowLine(node, seconds=0.1) as line:
        cluster.configure_client("slow", servers=[line])     # it stands in the node's place: name, address, client_port
        line.hold()                                          # what comes from the client stays here
        line.go_on()                                         # ... until now
"""
import socket
import threading
import time


class SlowLine:
    def __init__(self, node, seconds):
        self.node, self.seconds = node, seconds
        self.name, self.address = "slow-" + node.name, "127.0.0.1"
        self.free = threading.Event()
        self.free.set()
        self.asked = 0  # how often the client has been heard and its words handed on
        self.listener = socket.create_server((self.address, 0))
        self.client_port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
                server = socket.create_connection((self.node.address, self.node.client_port))
            except OSError:
                return
            for source, sink, asks in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.relay, args=(source, sink, asks), daemon=True).start()

    def relay(self, source, sink, asks):
        try:
            while True:
                said = source.recv(65536)
                time.sleep(self.seconds)
                if asks:
                    self.free.wait()
                    self.asked += 1
                if not said:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(said)
        except OSError:
            for end in (source, sink):
                end.close()

    def hold(self):
        self.free.clear()

    def go_on(self):
        self.free.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go_on()
        self.listener.close()
