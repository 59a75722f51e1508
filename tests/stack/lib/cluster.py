"""A cluster of real nodes for the whole-stack tests: made, broken and mended on this machine only.

    with Cluster(nodes=3) as cluster:            # three hsmd on loopback, initialized, active, a crypto user, a client
        cluster.environment()                    # for a client process: CLUSTERHSM_CONF, _MODULE, _PIN
        cluster.leader().kill()                  # SIGKILL to parent, front and vault, in this order
        cluster.nodes[0].freeze() / .thaw()      # SIGSTOP, SIGCONT to all three
        cluster.nodes[0].cut() / .mend()         # namespaces=True: the node's network

With namespaces=True each node has a network namespace of its own, joined by a bridge, and node.run(...) runs a client inside one.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BUILD = os.environ.get("CLUSTERHSM_BUILD") or os.environ.get("top_builddir") or "build/run"
SOURCE = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
PASSWORD_ADMIN, PASSWORD_USER = "admin-password-1", "user-password-1"


class Failed(Exception):
    pass


def program(name):
    path = os.path.join(BUILD, name)
    if not os.path.exists(path):
        raise Failed("%s is not built" % path)
    return os.path.abspath(path)


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=options.pop("timeout", 60), **options)
    if check and done.returncode != 0:
        raise Failed("%s: exit %d\n%s%s" % (" ".join(map(str, command)), done.returncode, done.stdout, done.stderr))
    return done


def until(seconds, what, condition, pause=0.05):
    """The condition's first true value; Failed when there is none in that time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("not within %g s: %s" % (seconds, what))
        time.sleep(pause)


def may_lock_memory():
    """Whether hsmd can permit its vault to lock all memory, as it must on a machine that is no test."""
    return subprocess.run(["sh", "-c", "ulimit -l unlimited"], stderr=subprocess.DEVNULL).returncode == 0


def inside(namespace):
    """What runs a command in a network namespace. Not `ip netns exec`, nor `ip -n`: they mount things, which a changed root forbids."""
    return ["nsenter", "--net=/run/netns/" + namespace]


def free_port(address):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def others_reach(folder):
    """A user who is not root gets there: not where a folder above, or the machine's root folder, is closed."""
    return os.getuid() == 0 and subprocess.run(["setpriv", "--reuid", "64710", "--regid", "64710", "--clear-groups", "test", "-x", folder],
                                               stderr=subprocess.DEVNULL).returncode == 0


def children(pid):
    out = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as f:
            out += [int(child) for child in f.read().split()]
    return out


class Node:
    """One hsmd with its front and its vault. number: 1 for the first."""

    def __init__(self, cluster, number):
        self.cluster = cluster
        self.number = number
        self.name = "n%d" % number
        self.folder = os.path.join(cluster.folder, self.name)
        self.namespace = cluster.prefix + self.name if cluster.namespaces else None
        self.address = cluster.subnet + str(10 + number) if cluster.namespaces else "127.0.0.1"
        self.client_port = 7000 if cluster.namespaces else free_port(self.address)
        self.peer_port = 7001 if cluster.namespaces else free_port(self.address)
        self.config = os.path.join(self.folder, "hsmd.yaml")
        self.socket = os.path.join(self.folder, "data", "hsmd.sock")
        self.log = os.path.join(self.folder, "hsmd.log")
        self.process = None
        self.fingerprint = None
        os.mkdir(self.folder, 0o755)
        self.configure()

    def configure(self, **more):
        lines = dict(data=os.path.join(self.folder, "data"), name=self.name)
        lines["listen"] = dict(client="%s:%d" % (self.address, self.client_port), peer="%s:%d" % (self.address, self.peer_port))
        lines["log"] = dict(file=self.log)
        lines["seal"] = dict(file=os.path.join(self.folder, "seal"))
        if self.cluster.own_users:
            lines["front"], lines["vault"] = dict(user="64710"), dict(user="64711")
        if not may_lock_memory():
            lines.setdefault("vault", {})["allow_swap"] = "true"
        lines["raft"] = dict(election_timeout="%dms" % self.cluster.election_ms, lease="%dms" % self.cluster.lease_ms)
        for section, values in list(self.cluster.settings.items()) + list(more.items()):
            lines.setdefault(section, {}).update(values) if isinstance(values, dict) else lines.update({section: values})
        with open(self.config, "w") as f:
            for key, value in lines.items():
                if isinstance(value, dict):
                    f.write("%s:\n%s" % (key, "".join("  %s: %s\n" % pair for pair in value.items())))
                else:
                    f.write("%s: %s\n" % (key, value))

    def inside(self, *command):
        """The command as it runs in this node's network."""
        words = [str(word) for word in command]
        return inside(self.namespace) + words if self.namespace else words

    def start(self, *options, wait=True):
        self.process = subprocess.Popen(self.inside(program("hsmd"), "--config", self.config, *options), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        if wait:
            until(20, "%s answers on its socket; see %s" % (self.name, self.log), self.answers)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise Failed("%s ended with %d; the end of its log:\n%s" % (self.name, self.process.returncode, self.log_tail()))
        return os.path.exists(self.socket) and self.hsmctl("node", "status", check=False).returncode == 0

    def log_tail(self, lines=15):
        if not os.path.exists(self.log):
            return "(no log)"
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-lines:])

    def hsmctl(self, *words, **options):
        return run(program("hsmctl"), *words, "--socket", self.socket, "--json", **options)

    def status(self):
        """The node's answer, or None while it has none."""
        done = self.hsmctl("cluster", "status", check=False, timeout=10)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def pids(self):
        """hsmd first, then its children."""
        if self.process is None or self.process.poll() is not None:
            return []
        return [self.process.pid] + children(self.process.pid)

    def pid_of(self, name):
        for pid in self.pids():
            with open("/proc/%d/comm" % pid) as f:
                if f.read().strip() == name:
                    return pid
        raise Failed("%s has no %s" % (self.name, name))

    def signal(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def cut(self):
        run("ip", "link", "set", self.cluster.port(self), "down")

    def mend(self):
        run("ip", "link", "set", self.cluster.port(self), "up")

    def provision(self, keys=None):
        """keys: the folder of other roots than the cluster's."""
        keys = keys or self.cluster.keys
        request = os.path.join(keys, self.name + ".csr")
        until(10, "%s has made its hardware key" % self.name, lambda: self.hsmctl("node", "csr", request, check=False).returncode == 0)
        for kind in ("manufacturer", "operator"):
            run(program("hsm-provision"), "hardware", kind, keys, self.name, request)
        self.hsmctl("node", "provision", keys, self.name)
        self.fingerprint = json.loads(self.hsmctl("node", "status").stdout)["fingerprint"]


class Cluster:
    def __init__(self, nodes=3, namespaces=False, folder=None, election_ms=500, lease_ms=1500, wipeable=True, **settings):
        self.folder = folder or tempfile.mkdtemp(prefix="cluster-")
        os.chmod(self.folder, 0o755)
        self.own_users = others_reach(self.folder) and others_reach(program("hsmd"))
        self.keys = os.path.join(self.folder, "keys")
        os.mkdir(self.keys, 0o700)
        self.namespaces = namespaces
        self.prefix = "hsm%d-" % os.getpid()
        self.subnet = "10.%d.%d." % (200 + os.getpid() % 50, os.getpid() // 50 % 250)
        self.election_ms, self.lease_ms = election_ms, lease_ms
        self.wipeable = ["--wipeable"] if wipeable else []
        self.settings = settings  # of every node, beyond what a test needs anyway: raft=dict(snapshot_entries=100)
        self.conf = os.path.join(self.folder, "client.yaml")
        if namespaces:
            self.make_network(nodes)
        self.nodes = [Node(self, number) for number in range(1, nodes + 1)]

    # ---- the network: a bridge in a namespace of its own, a pair of ends for each node

    def port(self, node):
        return "hsm%d" % (os.getpid() * 10 % 100000 + node.number)

    def make_network(self, nodes):
        self.hub = "br%d" % (os.getpid() % 1000000)
        run("ip", "link", "add", self.hub, "type", "bridge")
        run("ip", "addr", "add", self.subnet + "1/24", "dev", self.hub)
        run("ip", "link", "set", self.hub, "up")
        for number in range(1, nodes + 1):
            space, end = self.prefix + "n%d" % number, "hsm%d" % (os.getpid() * 10 % 100000 + number)
            run("ip", "netns", "add", space)
            run("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", space)
            run("ip", "link", "set", end, "master", self.hub)
            run("ip", "link", "set", end, "up")
            run(*inside(space), "ip", "addr", "add", self.subnet + "%d/24" % (10 + number), "dev", "eth0")
            run(*inside(space), "ip", "link", "set", "eth0", "up")
            run(*inside(space), "ip", "link", "set", "lo", "up")

    def drop_network(self):
        for node in self.nodes:
            run("ip", "netns", "del", node.namespace, check=False)
        run("ip", "link", "del", self.hub, check=False)

    # ---- its life

    def secret(self, name, text):
        path = os.path.join(self.keys, name)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text + "\n")
        return path

    def hsmctl(self, *words, **options):
        return run(program("hsmctl"), *words, "--conf", self.conf, "--json", **options)

    def as_admin(self, *words, **options):
        return self.hsmctl(*words, "--password-file", self.secret("admin.password", PASSWORD_ADMIN), **options)

    def start(self):
        for kind in ("manufacturer", "operator", "customer", "clients"):
            run(program("hsm-provision"), "root", kind, self.keys)
        first = self.nodes[0].start("--create")
        first.provision()
        self.initialize(first)
        self.configure_client()
        self.hsmctl("cluster", "activate", *self.wipeable, "--new-password-file", self.secret("admin.password", PASSWORD_ADMIN))
        for node in self.nodes[1:]:
            self.join(node)
        self.make_user("user", PASSWORD_USER)
        return self

    def request(self, first):
        """The cluster's request and the certificates that vouch for it, in the folder of keys; the request's path."""
        until(20, "the first node has made its cluster", lambda: self.state_of(first) == "uninitialized")
        first.hsmctl("cluster", "csr", "--out", self.keys)
        request = [name for name in os.listdir(self.keys) if name.endswith("_ClusterCsr.csr")][0]
        self.id = request[:-len("_ClusterCsr.csr")]
        return os.path.join(self.keys, request)

    def initialize(self, first, request=None):
        request = request or self.request(first)
        run(program("hsm-provision"), "cluster", self.keys, self.id, request)
        first.hsmctl("cluster", "initialize", os.path.join(self.keys, self.id + "_CustomerHsmCertificate.crt"),
                     os.path.join(self.keys, "customerCA.crt"), os.path.join(self.keys, "clientCA.crt"))

    @staticmethod
    def state_of(node):
        return json.loads(node.hsmctl("node", "status").stdout)["state"]

    def join(self, node):
        node.start()
        node.provision()
        self.as_admin("cluster", "grant", node.fingerprint)
        node.hsmctl("node", "join", *["%s:%d" % (other.address, other.peer_port) for other in self.nodes if other is not node])
        until(60, "%s is a voter" % node.name, lambda: self.is_voter(node))

    def is_voter(self, node):
        for row in (self.nodes[0].status() or {}).get("nodes", []):
            if row["fingerprint"] == node.fingerprint:
                return row["role"] in ("voter", "leader") and row["connected"]
        return False

    def make_user(self, name, password):
        self.as_admin("user", "create", name, "--new-password-file", self.secret(name + ".password", password))

    def configure_client(self, name="client", servers=None, ca="clientCA"):
        """A client's certificate and configuration; the path of the latter."""
        if not os.path.exists(os.path.join(self.keys, name + ".crt")):
            run(program("hsm-provision"), "client", self.keys, name)
        path = self.conf if name == "client" and servers is None else os.path.join(
            self.folder, "%s-%s.yaml" % (name, "-".join(server.name for server in servers or self.nodes)))
        with open(path, "w") as f:
            f.write("client:\n  certificate: %s/%s.crt\n  key: %s/%s.key\n" % (self.keys, name, self.keys, name))
            f.write("cluster:\n  anchor: %s/customerCA.crt\nnetwork:\n  servers: [%s]\n" % (
                self.keys, ", ".join('"%s:%d"' % (node.address, node.client_port) for node in servers or self.nodes)))
        return path

    def environment(self, conf=None, pin="user:" + PASSWORD_USER):
        return dict(os.environ, CLUSTERHSM_CONF=conf or self.conf, CLUSTERHSM_PIN=pin,
                    CLUSTERHSM_MODULE=os.path.abspath(os.path.join(BUILD, ".libs/clusterhsm.so")))

    def leader(self, seconds=20):
        """The node that the others' answers call leader."""
        def look():
            for node in self.nodes:
                status = node.status() if node.pids() else None
                if status and status.get("leader_id") and status["leader_id"] == status["node_id"]:
                    return node
            return None
        return until(seconds, "a leader", look, pause=0.2)

    def all_serve(self, seconds=60):
        """Every node is connected and has applied what the leader had when this was called."""
        goal = None  # fixed by the first look: under load there is always more to come

        def caught_up():
            nonlocal goal
            rows = [node.status() for node in self.nodes]
            if not all(rows):
                return False
            goal = max(row["commit"] for row in rows) if goal is None else goal
            return all(any(n["id"] == row["node_id"] and n["applied"] >= goal for n in row["nodes"]) for row in rows)
        return until(seconds, "all nodes have caught up", caught_up, pause=0.2)

    def stop(self):
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.thaw()
                node.stop()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__(Failed, None, None)
            raise

    def __exit__(self, kind, value, trace):
        try:
            self.stop()
        finally:
            if self.namespaces:
                self.drop_network()
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            for node in self.nodes:
                print("# the end of %s:\n# %s" % (node.log, node.log_tail().replace("\n", "\n# ")))
