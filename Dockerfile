# One file, four images: operator, agent, executor, simulator. Non-root, dependencies by hash.
# Plain instructions only: the classic builder of older engines reads it too.
FROM python:3.13-slim-trixie AS base
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/opt/app PATH=/opt/venv/bin:$PATH
WORKDIR /opt/app
COPY LICENSE /opt/app/LICENSE

FROM base AS wheels
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/venv

FROM wheels AS operator-wheels
COPY requirements/operator.txt /tmp/
RUN python3 -m pip install --require-hashes -r /tmp/operator.txt

FROM base AS operator
COPY --from=operator-wheels /opt/venv /opt/venv
COPY api/ibgateway_api ibgateway_api
COPY runtime/ibgateway_runtime ibgateway_runtime
COPY gateway/ibgateway_pod ibgateway_pod
COPY operator/ibgateway_operator ibgateway_operator
RUN python3 -m compileall -q /opt/app
USER 10001:10001
ENTRYPOINT ["python3", "-m", "ibgateway_operator"]

# executor-insync brings ib_insync 0.9.86 instead of ib_async.
FROM wheels AS executor-wheels
ARG EXECUTOR_EXTRA=executor
COPY requirements/${EXECUTOR_EXTRA}.txt /tmp/
RUN python3 -m pip install --require-hashes -r /tmp/${EXECUTOR_EXTRA}.txt

FROM base AS executor
COPY --from=executor-wheels /opt/venv /opt/venv
COPY api/ibgateway_api ibgateway_api
COPY runtime/ibgateway_runtime ibgateway_runtime
COPY executor/ibgateway_executor ibgateway_executor
RUN python3 -m compileall -q /opt/app
USER 10001:10001
ENTRYPOINT ["python3", "-m", "ibgateway_executor"]

FROM wheels AS agent-wheels
COPY requirements/agent.txt /tmp/
RUN python3 -m pip install --require-hashes -r /tmp/agent.txt

# The wheel of Node.js carries npm, which brings noVNC's library by its lock file.
FROM wheels AS console-page
COPY requirements/node.txt /tmp/
RUN python3 -m pip install --require-hashes -r /tmp/node.txt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
COPY gateway/console-page /build
RUN sh /build/build.sh /opt/novnc

FROM base AS agent
COPY --from=agent-wheels /opt/venv /opt/venv
COPY --from=console-page /opt/novnc /opt/novnc
ENV CONSOLE_STATIC=/opt/novnc
COPY api/ibgateway_api ibgateway_api
COPY runtime/ibgateway_runtime ibgateway_runtime
COPY gateway/ibgateway_agent ibgateway_agent
RUN python3 -m compileall -q /opt/app
USER 1000:1000
ENTRYPOINT ["python3", "-m", "ibgateway_agent"]

FROM wheels AS simulator-wheels
COPY requirements/simulator.txt /tmp/
RUN python3 -m pip install --require-hashes -r /tmp/simulator.txt

FROM base AS simulator
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      gettext-base procps python3-tk socat x11vnc xvfb \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd -g 1000 ibgateway \
 && useradd -u 1000 -g 1000 -m -d /home/ibgateway ibgateway \
 && mkdir -p -m 1777 /tmp/.X11-unix
COPY --from=simulator-wheels /opt/venv /opt/venv
COPY --chown=1000:1000 simulator/image/ /home/ibgateway/
COPY simulator/ibgateway_simulator ibgateway_simulator
RUN python3 -m compileall -q /opt/app
ENV HOME=/home/ibgateway SIMULATOR_BIND=0.0.0.0
WORKDIR /home/ibgateway
USER 1000:1000
CMD ["/home/ibgateway/scripts/run.sh"]
