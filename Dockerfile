# One file, four images: operator, agent, executor, simulator. Non-root, dependencies by hash.
# Plain instructions only: the classic builder of older engines reads it too. What is removed only leaves an image whose
# files are copied into an empty one afterwards (docs/decisions/0047-small-images.md).
FROM python:3.13-slim-trixie AS debian

# Without what no program of ours calls: apt, perl, pip, documentation, translations. dpkg's list of packages stays for scanners.
FROM debian AS python-only
RUN rm -rf \
      /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian /usr/share/python-wheels \
      /usr/share/perl* /usr/share/bash-completion /usr/lib/*-linux-gnu/perl* /usr/bin/perl* /usr/bin/apt* /usr/lib/apt \
      /usr/lib/*-linux-gnu/libapt* /usr/lib/*-linux-gnu/gconv /var/lib/apt /var/lib/dpkg/info /var/cache/* /var/log/* \
      /usr/lib/python3*/ensurepip /usr/lib/python3*/idlelib /usr/lib/python3*/pydoc_data /usr/lib/python3*/test \
      /usr/bin/sqv /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/idlelib /usr/local/lib/python3*/pydoc_data /usr/local/lib/python3*/site-packages/pip*

FROM scratch AS base
COPY --from=python-only / /
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONPATH=/opt/app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /opt/app
COPY LICENSE /opt/app/LICENSE

# pip installs into the environment without being in it.
FROM debian AS wheels
# Compiled by the content of the sources, so that two builds give the same files.
ENV PYTHONHASHSEED=0 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PYTHON=/opt/venv/bin/python3 PATH=/opt/venv/bin:/opt/pip/bin:$PATH
RUN python3 -m venv --without-pip /opt/venv && PIP_PYTHON= python3 -m venv /opt/pip

FROM wheels AS operator-wheels
COPY requirements/operator.txt /tmp/
RUN pip install --no-compile --require-hashes -r /tmp/operator.txt && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv
# The API server's objects are dicts here, and the synchronous client is never called. Its models and calls are 100 MiB.
RUN cd /opt/venv/lib/python3*/site-packages/kubernetes \
 && find client/api client/models aio/client/api aio/client/models -type f ! -name '__init__.*' \
      ! -name 'v1_managed_fields_entry.*' ! -name 'v1_owner_reference.*' ! -name 'v1_object_meta.*' -delete

FROM base AS operator
COPY --from=operator-wheels /opt/venv /opt/venv
COPY api/ibgateway_api ibgateway_api
COPY runtime/ibgateway_runtime ibgateway_runtime
COPY gateway/ibgateway_pod ibgateway_pod
COPY operator/ibgateway_operator ibgateway_operator
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/app
USER 10001:10001
ENTRYPOINT ["python3", "-m", "ibgateway_operator"]

# executor-insync brings ib_insync 0.9.86 instead of ib_async.
FROM wheels AS executor-wheels
ARG EXECUTOR_EXTRA=executor
COPY requirements/${EXECUTOR_EXTRA}.txt /tmp/
RUN pip install --no-compile --require-hashes -r /tmp/${EXECUTOR_EXTRA}.txt && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv
# numpy is never loaded (ibgateway_executor/broker/ib/library.py); SQLite and PostgreSQL are what the ledger speaks.
RUN cd /opt/venv/lib/python3*/site-packages \
 && rm -rf numpy numpy.libs numpy-*.dist-info sqlalchemy/testing sqlalchemy/dialects/mssql sqlalchemy/dialects/mysql sqlalchemy/dialects/oracle

FROM base AS executor
COPY --from=executor-wheels /opt/venv /opt/venv
COPY api/ibgateway_api ibgateway_api
COPY runtime/ibgateway_runtime ibgateway_runtime
COPY executor/ibgateway_executor ibgateway_executor
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/app
USER 10001:10001
ENTRYPOINT ["python3", "-m", "ibgateway_executor"]

FROM wheels AS agent-wheels
COPY requirements/agent.txt /tmp/
RUN pip install --no-compile --require-hashes -r /tmp/agent.txt && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv

# The wheel of Node.js carries npm, which brings noVNC's library by its lock file.
FROM wheels AS console-page
COPY requirements/node.txt /tmp/
RUN pip install --no-compile --require-hashes -r /tmp/node.txt
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
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/app
USER 1000:1000
ENTRYPOINT ["python3", "-m", "ibgateway_agent"]

FROM wheels AS simulator-wheels
COPY requirements/simulator.txt /tmp/
RUN pip install --no-compile --require-hashes -r /tmp/simulator.txt && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv

# Mesa's drivers are 200 MiB, and no window here draws in three dimensions.
FROM debian AS desktop
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      gettext-base procps python3-tk socat x11vnc xvfb \
 && groupadd -g 1000 ibgateway \
 && useradd -u 1000 -g 1000 -M -d /home/ibgateway ibgateway \
 && mkdir -p -m 1777 /tmp/.X11-unix
RUN rm -rf \
      /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian /usr/share/python-wheels \
      /usr/lib/apt /var/lib/apt /var/lib/dpkg/info /var/cache/* /var/log/* \
      /usr/lib/*-linux-gnu/libLLVM* /usr/lib/*-linux-gnu/libgallium* /usr/lib/*-linux-gnu/libz3* /usr/lib/*-linux-gnu/dri \
      /usr/lib/python3*/ensurepip /usr/lib/python3*/idlelib /usr/lib/python3*/pydoc_data

FROM scratch AS simulator
COPY --from=desktop / /
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONPATH=/opt/app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
COPY LICENSE /opt/app/LICENSE
WORKDIR /opt/app
COPY --from=simulator-wheels /opt/venv /opt/venv
RUN mkdir -p /home/ibgateway && chown 1000:1000 /home/ibgateway
COPY --chown=1000:1000 simulator/image/ /home/ibgateway/
COPY simulator/ibgateway_simulator ibgateway_simulator
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/app
ENV HOME=/home/ibgateway SIMULATOR_BIND=0.0.0.0
WORKDIR /home/ibgateway
USER 1000:1000
CMD ["/home/ibgateway/scripts/run.sh"]
