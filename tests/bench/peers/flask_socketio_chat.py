# A chat as the Flask-SocketIO guide writes it, on gevent.
from gevent import monkey

monkey.patch_all()

import socket

from flask import Flask, request
from flask_socketio import SocketIO, emit, join_room

app = Flask(__name__)
io = SocketIO(app, async_mode="gevent", ping_interval=300)


@io.on("connect")
def connect():
    join_room(request.args["room"])


@io.on("post")
def post(text):
    emit("post", text, to=request.args["room"])


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
print(f"listening on http://127.0.0.1:{port}/", flush=True)
io.run(app, host="127.0.0.1", port=port)
