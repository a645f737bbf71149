# `make` alone prints what can be made. Everything but `setup` runs without a network.
.DEFAULT_GOAL := help
CITY ?= demo
DATE ?=
PYTHON ?= python3

.PHONY: help setup up demo down clean status check test fuzz mutations bench screens supply

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1 — /p' $(MAKEFILE_LIST)

setup: ## 安装：虚拟环境、Kafka（需要网络，只做一次） install everything (network, once)
	@$(PYTHON) deploy/check.py
	@$(PYTHON) deploy/install.py

up: setup ## 启动整套系统（CITY=demo|none, DATE=2025-09-25） start the stack
	@.venv/bin/bianban up --city $(CITY) $(if $(DATE),--date $(DATE))

demo: up ## 启动并演示一遍主线 start the stack and play the story
	@.venv/bin/bianban demo

down: ## 停止 stop the stack
	@test ! -x .venv/bin/bianban || .venv/bin/bianban down

clean: ## 停止并删除数据 stop the stack and forget its data
	@test ! -x .venv/bin/bianban || .venv/bin/bianban clean

status: ## 各部件的状态 the state of each part
	@.venv/bin/bianban status

check: setup ## 代码检查与纯规则测试 lint, types, contracts, pure tests
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/pytest -q tests/law $(wildcard tests/*/test_rules.py tests/*/rules) tests/workflows/test_steps.py tests/architecture/test_readme.py

test: setup ## 全部测试，使用自己的一套服务 the whole suite on a stack of its own
	@.venv/bin/pytest -n 3

fuzz: setup ## 随机请求与随机事件（FUZZ_EXAMPLES=100 FUZZ_SEED=7） anything the descriptions allow, and more
	@FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),100) FUZZ_SEED=$(or $(FUZZ_SEED),1) .venv/bin/pytest -s tests/fuzz

mutations: setup ## 逐一拿掉各项保障，确认有测试因此失败（GUARD="provider:" 只试这几项） take out each guard and see its tests fail
	@.venv/bin/python -m tests.mutations $(if $(GUARD),"$(GUARD)")

bench: setup ## 性能测量（BENCH="light read" 只测这几项） measure against floors
	@.venv/bin/python -m tests.bench $(BENCH)

screens: setup ## 每个页面在三种屏幕上的截图，存入 .local/screens（先运行 make demo） pictures of every page at three sizes
	@.venv/bin/python -m tests.portal.screens

supply: setup ## 核对所装组件与锁定一致，组件清单与许可证写入 .local/supply what is installed is what was locked; SBOM and licences
	@.venv/bin/python -m deploy.supply .local/supply
