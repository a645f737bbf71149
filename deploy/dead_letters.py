"""`bianban dead-letters …`: what a consumer could not handle, and what is to become of it. Other units go on meanwhile."""

import asyncio
import getpass
import json
import textwrap
import time
from collections.abc import Sequence
from typing import Annotated

import typer
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from deploy.databases import ask
from deploy.local.place import SERVICES, Place, Service, WrongPlace
from deploy.replaying import PATIENCE, UNFINISHED, UNHEARD, called, meant, replay_all, replayed
from deploy.standing_readers import Reader, Standing, looking, readers, standing
from shared import dead_letters, given_up, masked
from shared.clock import CHINA
from shared.db import Database
from shared.dead_letters import DeadLetter, Parked
from shared.given_up import Hand
from shared.listening import PARTITIONS, position
from shared.parked_words import WAITS, parked_because, unread

_SILENT = "Kafka 没有应答。请用 bianban status 查看：不应答的用 bianban restart kafka 重启，没有在运行的先运行 bianban up。"
_THEN = "其后的事件如因缺少它们而停放，请运行：\nbianban dead-letters replay {} --all --cause GapSeen --topic {}"
_UNREAD = "FROM dead_letters WHERE consumer = $1 AND topic = $2 AND partition = $3"
_FOLLOWS = "停在该处的消费者半分钟内由新位置继续；仍未继续的，请运行 bianban restart {}-worker。"


def _said(reason: str) -> str:
    """A reason that says something."""
    if not reason.strip():
        raise typer.BadParameter("事由不能为空", param_hint="--reason")
    return reason.strip()


Reason = Annotated[str, typer.Option("--reason", callback=_said, help="事由：因何放弃、依据什么。永久留痕，请勿写姓名和证件号码。")]
Yes = Annotated[bool, typer.Option("--yes", help="不再询问。")]
Key = Annotated[str, typer.Argument(help="消息键（通常是单位编号），或以 @ 开头的死信序号，见 list。")]
Consumer = Annotated[str, typer.Argument(help="消费者，见 list。")]
Topic = Annotated[str, typer.Argument(help="主题，如 roster.events。")]
Partition = Annotated[int, typer.Argument(help="分区号。")]
ServiceName = Annotated[Service, typer.Argument(help="服务，见 list。")]
app = typer.Typer(help="死信：处理不了的事件及其后续。", no_args_is_help=True)


@app.command("list", help="列出全部死信，和停在读不出的批次前的消费者；都没有则退出码为 0，有或未能核对则为 1。")
def listed() -> None:
    found = [(service, letter) for service in SERVICES for letter in ask(service, dead_letters.listed)]
    _tell_letters(found)
    if _tell_standing() or found:
        raise typer.Exit(1)


def _tell_letters(found: Sequence[tuple[str, DeadLetter]]) -> None:
    if not found:
        typer.echo("没有死信。")
        return
    keys = {(service, letter.key): None for service, letter in found}
    for service, key in keys:
        letters = [letter for where, letter in found if (where, letter.key) == (service, key)]
        typer.echo(f"bianban dead-letters show {service} {called(key, letters[0].id)}")
        for consumer in dict.fromkeys(letter.consumer for letter in letters):
            _tell_line([letter for letter in letters if letter.consumer == consumer])
    typer.echo(
        f"共 {len(found)} 条，{len(keys)} 个消息键。排除原因后用 replay 重新处理，参数与 show 相同；一个服务的全部，或一种原因的全部，用 replay 服务 --all。"
    )


def _tell_line(letters: Sequence[DeadLetter]) -> None:
    """What one consumer parked of a key: each letter with its cause, those that only wait behind it by their number."""
    causes = [letter for letter in letters if letter.error != WAITS]
    for letter in causes:
        when = f"{letter.parked_at.astimezone(CHINA):%m-%d %H:%M:%S}"
        typer.echo(f"  {letter.consumer}  {masked.event_type(letter.type)}  {parked_because(letter.error)}  {when}")
    if waiting := len(letters) - len(causes):
        typer.echo(f"  {letters[0].consumer}  另有 {waiting} 条排在其后")


def _tell_standing() -> bool:
    """Whether a consumer stands, with the command that leads it on, or nobody knows."""
    asked = [each for service in SERVICES for each in ask(service, readers)]
    try:
        found = asyncio.run(standing(Place.from_environment().kafka, asked))
    except (KafkaError, TimeoutError, OSError):
        typer.echo("Kafka 没有应答，未能核对有无消费者停在读不出的批次前。请查看 bianban status。")
        return True
    for each in found:
        typer.echo(_stands(each))
    return bool(found)


def _stands(each: Standing) -> str:
    reader, at = each.reader, f"{each.reader.topic}/{each.reader.partition}"
    told = f"{reader.service} 的消费者 {reader.consumer} 停在 {at} 的 {reader.offset}：Kafka 此处的批次损坏，读不出它到哪里为止。"
    if each.behind is None:
        return f"{told}\n  其后也没有找到可读之处，请按运维手册 DeadLetters 处理。"
    return (
        f"{told}\n  如各副本都没有完整的数据，越过后由 {each.behind} 继续，其间的事件不再处理：\n"
        f"bianban dead-letters pass {reader.service} {reader.consumer} {reader.topic} {reader.partition} {each.behind} --reason 事由"
    )


@app.command(help="显示一个消息键的全部死信，按处理顺序；姓名、证件号码等一律遮盖。")
def show(service: ServiceName, key: Key) -> None:
    found = ask(service, lambda database: _parked(database, key))
    for each in found:
        typer.echo(_shown(each))
        if records := unread(each.letter.error):
            at = f"{each.letter.consumer} {each.letter.topic} {each.partition} {records[0]}"
            typer.echo(f"  Kafka 已能给出完整数据的，重新读：\nbianban dead-letters reread {service} {at} --reason 事由")
    typer.echo(f"共 {len(found)} 条。" if found else "没有死信。")


async def _parked(database: Database, key: str) -> list[Parked]:
    return await dead_letters.of_key(database, await meant(database, key))


def _shown(each: Parked) -> str:
    letter = each.letter
    facts = {"headers": masked.headers(each.headers), "body": masked.body(letter.type, each.body)}
    return (
        f"{letter.consumer}  {letter.topic}/{each.partition}@{each.offset}  {masked.event_type(letter.type)}\n"
        f"  原因：{parked_because(letter.error)}（{letter.parked_at.astimezone(CHINA):%m-%d %H:%M:%S}）\n"
        f"{textwrap.indent(json.dumps(facts, ensure_ascii=False, indent=2), '  ')}"
    )


@app.command(help="重新处理一个消息键的全部死信，或以 --all 处理该服务的全部消息键；各按原有顺序，仍失败的原样保留。")
def replay(
    service: ServiceName,
    key: Annotated[str | None, typer.Argument(help="消息键或 @ 序号，见 list；用 --all 时不写。")] = None,
    *,
    whole: Annotated[bool, typer.Option("--all", help="该服务的全部消息键，逐个告知结果。")] = False,
    cause: Annotated[str | None, typer.Option(help="与 --all 同用：只要因此停放的，原因照 list 所写或其代码，如 GapSeen。")] = None,
    topic: Annotated[str | None, typer.Option(help="与 --all 同用：只要这个主题的。")] = None,
) -> None:
    if (key is None) is not whole:
        raise typer.BadParameter("请写明一个消息键，或用 --all，二者取一。")
    if key is not None and (cause or topic):
        raise typer.BadParameter("--cause 和 --topic 只与 --all 同用", param_hint="--all")
    raise typer.Exit(_replay_all(service, cause, topic) if key is None else _replay(service, key))


def _replay_all(service: Service, cause: str | None, topic: str | None) -> int:
    stay = ask(service, lambda database: replay_all(database, cause, topic, typer.echo))
    typer.echo(f"仍有 {stay} 个消息键停放，见上。排除原因后请再次运行。" if stay else "已全部处理。")
    return 1 if stay else 0


def _replay(service: Service, key: str) -> int:
    left = ask(service, lambda database: _replayed(database, key))
    why = next((letter.error for letter in left if letter.error != WAITS), WAITS)
    typer.echo("已全部处理。" if not left else f"仍有 {len(left)} 条未能处理，原因：{parked_because(why)}。")
    return 1 if left else 0


async def _replayed(database: Database, key: str) -> list[DeadLetter]:
    consumers, key = await _consumers(database, key), await meant(database, key)
    await replayed(database, [(consumer, key) for consumer in consumers], lambda _: None)
    return await _of(database, key)


@app.command(help="放弃一个消息键的全部死信：这些事件将不再处理，后续事件继续。何人、何时、因何放弃永久留痕。")
def drop(service: ServiceName, key: Key, reason: Reason, *, yes: Yes = False) -> None:
    hand = Hand(getpass.getuser(), reason)
    if not yes:
        typer.confirm(f"将放弃 {service} 中 {key} 的全部死信，确定吗？", abort=True)
    dropped = ask(service, lambda database: _dropped(database, key, hand))
    typer.echo(f"已放弃 {dropped} 条。每条的位置、原因和事由已记入{_kept(service)}，经办为服务器用户 {hand.actor}。")


def _kept(service: str) -> str:
    return "表 reporting.given_up（统计分析没有封存，不在操作留痕中）" if service == "reporting" else "操作留痕"


async def _dropped(database: Database, key: str, hand: Hand) -> int:
    consumers, key = await _consumers(database, key), await meant(database, key)
    return sum([await dead_letters.drop(database, consumer, key, hand) for consumer in consumers])


async def _consumers(database: Database, key: str) -> set[str]:
    if found := {letter.consumer for letter in await _of(database, await meant(database, key))}:
        return found
    raise WrongPlace(f"{database.service} 中 {key} 没有死信。请用 bianban dead-letters list 核对服务和消息键。")


async def _of(database: Database, key: str) -> list[DeadLetter]:
    return [letter for letter in await dead_letters.listed(database) if letter.key == key]


@app.command("pass", help="让停在读不出的批次前的消费者越到 OFFSET 继续；其间的事件不再处理。只能向前，永久留痕。")
def pass_over(
    service: ServiceName,
    consumer: Consumer,
    topic: Topic,
    partition: Partition,
    offset: Annotated[int, typer.Argument(help="越到的位置：其后第一个可读之处。")],
    reason: Reason,
    *,
    yes: Yes = False,
) -> None:
    hand, at = Hand(getpass.getuser(), reason), TopicPartition(topic, partition)
    asyncio.run(_ensure_within(Place.from_environment().kafka, at, offset))
    if not yes:
        typer.confirm(f"将让 {service} 的消费者 {consumer} 在 {topic}/{partition} 越到 {offset}，确定吗？", abort=True)
    before = ask(service, lambda database: _passed(database, hand, consumer, at, offset))
    typer.echo(f"已由 {before} 越到 {offset}，已记入{_kept(service)}，经办为服务器用户 {hand.actor}。{_FOLLOWS.format(service)}")


async def _passed(database: Database, hand: Hand, consumer: str, at: TopicPartition, offset: int) -> int:
    known = [row[0] for row in await database.pool.fetch("SELECT DISTINCT consumer FROM consumer_positions ORDER BY consumer")]
    if consumer not in known:
        raise WrongPlace(f"{database.service} 没有消费者 {consumer}。已有：{'、'.join(known) or '无'}。")
    before = await given_up.pass_over(database, hand, consumer, at.topic, at.partition, offset)
    if before >= offset:
        raise WrongPlace(f"{consumer} 在 {at.topic}/{at.partition} 已处理到 {before}，只能向前越过。请核对 OFFSET。")
    return before


@app.command(help="让消费者退回到读不出的 OFFSET 重新读（Kafka 已能给出完整数据时）；已处理过的事件不会重做。永久留痕。")
def reread(
    service: ServiceName,
    consumer: Consumer,
    topic: Topic,
    partition: Partition,
    offset: Annotated[int, typer.Argument(help="退回到的位置：读不出的第一条。")],
    reason: Reason,
    *,
    yes: Yes = False,
) -> None:
    hand, at, kafka = Hand(getpass.getuser(), reason), TopicPartition(topic, partition), Place.from_environment().kafka
    asyncio.run(_ensure_within(kafka, at, offset))
    asyncio.run(_ensure_tells_its_end(kafka, Reader(service, consumer, topic, partition, offset)))
    if not yes:
        typer.confirm(f"将让 {service} 的消费者 {consumer} 在 {topic}/{partition} 退回到 {offset} 重新读，确定吗？", abort=True)
    if ask(service, lambda database: _read_again(database, hand, consumer, at, offset)):
        typer.echo(f"已由 {offset} 重新读过，已记入{_kept(service)}，经办为服务器用户 {hand.actor}。{_THEN.format(service, topic)}")
    else:
        typer.echo(f"{offset} 起仍读不出，重新停放为死信。请先让有完整数据的副本带领 {topic}/{partition}，再重读。")
        raise typer.Exit(1)


async def _read_again(database: Database, hand: Hand, consumer: str, at: TopicPartition, offset: int) -> bool:
    """Whether it could be read this time."""
    if not (records := await given_up.read_again(database, hand, consumer, at.topic, at.partition, offset)):
        raise WrongPlace(f"{database.service} 的 {consumer} 在 {at.topic}/{at.partition} 没有由 {offset} 起读不出的死信。请用 show 核对。")
    patience = time.monotonic() + PATIENCE
    while (left := await _left(database, consumer, at, records)) is not None:
        if time.monotonic() > patience:
            raise WrongPlace(left)
        await asyncio.sleep(0.2)
    return not await database.pool.fetchval(f"SELECT EXISTS (SELECT {_UNREAD} AND at_offset = $4)", consumer, *at, records[-1])


async def _left(database: Database, consumer: str, at: TopicPartition, records: range) -> str | None:
    """What is still to come: that the consumer goes back, or that it comes past these records again."""
    if await database.pool.fetchval(f"SELECT EXISTS (SELECT {_UNREAD} AND again_from IS NOT NULL)", consumer, *at):
        return UNHEARD
    return UNFINISHED if await position(database, consumer, *at) < records.stop else None


async def _ensure_tells_its_end(kafka: str, reader: Reader) -> None:
    """Who went back to a batch that does not would stand there."""
    try:
        stands = await standing(kafka, [reader])
    except (KafkaError, TimeoutError, OSError):
        raise WrongPlace(_SILENT) from None
    if stands:
        raise WrongPlace(f"Kafka 在 {reader.offset} 处仍读不出批次到哪里为止，退回去会停在那里。请先让有完整数据的副本带领该分区。")


async def _ensure_within(kafka: str, at: TopicPartition, offset: int) -> None:
    """Behind its end nobody has written yet: what comes would be passed over unseen. Before its beginning nothing can be read."""
    try:
        async with looking(kafka) as consumer:
            if at.topic not in await consumer.topics() or at.partition not in range(PARTITIONS):
                raise WrongPlace(f"Kafka 中没有 {at.topic}/{at.partition}。请核对主题和分区。")
            first, end = (await consumer.beginning_offsets([at]))[at], (await consumer.end_offsets([at]))[at]
    except (KafkaError, TimeoutError, OSError):
        raise WrongPlace(_SILENT) from None
    if not first <= offset <= end:
        raise WrongPlace(f"{at.topic}/{at.partition} 由 {first} 开始，末尾在 {end}，没有 {offset}。请核对 OFFSET。")
