"""
Every sentence a person reads, by key, and the forms in which values stand in them.

A key such as ``price.confirm`` is the constant ``PRICE_CONFIRM``; `say` fills its placeholders. Times are written as
Discord's own timestamps, which count down by themselves (``{reset:R}``).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

# --- the life of a picture -------------------------------------------------------------------------------------------
QUEUED = "⏳ {Ordinal} in line, starts {eta:R} · {price}"
QUEUED_RELAXED = "⏳ Relaxed lane: today's {limit} quick ones are used. Starts about {eta:R} · {price}"
DRAWING = "🖌️ Drawing"
DRAWING_STEP = "🖌️ Drawing, step {step} of {steps} {bar}"
ALT_PREVIEW = "Unfinished preview"
DONE = "-# {model} · {size} · seed {seed} · {price} · {left}for {member}"
DONE_HIDDEN_PROMPT = "A picture for {member}"
QUEUED_DETAIL = "-# {model} · {size} · {prompt} · for {member}"
FAILED_DETAIL = "-# for {member} · job {job}"
LEFT_DAY = "{n} left today · "
LEFT_WEEK = "{n} left this week · "
CANCELLED = "Taken back. Nothing was charged."
CANCELLED_MANY = "{n} taken back. Nothing was charged."
CANCEL_NONE = "You have nothing waiting."
CANCEL_OVER = "That one is not waiting any more, so there was nothing to take back."
WITHDRAWN = "A moderator took this one back. Nothing was charged."
CANCEL_LATE = "It is already being drawn and cannot be stopped. It will arrive in a moment; you can delete it then."
DELETED = "Deleted. The same picture can be made again."
DELETED_ON_RECORD = "Deleted, and put on record with your reason."
DONE_ASKED = "Done."
UNPOSTED = "Discord did not take my message, so I took this one back. Nothing was charged."
UNPOSTED_LATE = (
    "Discord did not take my message, and this one is being drawn already. It comes as soon as I can show it, and else "
    "waits in {/inbox}."
)
DROPPED = "Nothing was made or charged."
STARTING = "⏳ One moment."
UNDELIVERED = "I could not show this one here. Nothing was charged."
READY_NUDGE = "{member} your picture is ready."
DIRECT_PICTURE = "Your picture from {channel}, which I could not post there: {why}."
DIRECT_TOLD = "About your picture from {channel}:"
WHY_GONE = "the channel or my message in it is gone"
WHY_FORBIDDEN = "I may not post in it any more"
FILE_WEBP = (
    "-# {size} is over the {limit} I may post here: the same pixels as lossless WebP. The signature still verifies; "
    "the text chunk is gone. Original in {/inbox}."
)
FILE_WEBP_UNSIGNED = (
    "-# {size} is over the {limit} I may post here: the same pixels as lossless WebP, without the text chunk. "
    "Original in {/inbox}."
)
FILE_PREVIEW = "-# {size} is over the {limit} I may post here: this is a small preview. Original in {/inbox}."
FILE_PART = "-# Part {n} of {of}, job {job}."
FILE_REST = "-# Not all of it fits here. The whole is in {/inbox}."

RESTARTING = "I am restarting; nothing was started. Try again in a minute."
DISCORD_AWAY = "Discord did not answer me in time. Try that once more."
FAILED_NOVELAI = "NovelAI could not finish this one. Nothing was charged."
FAILED_BUSY = "NovelAI is busy. Your place is kept and I try again {t:R}."
FAILED_DOWN = "⏸️ NovelAI is not answering. Your place is kept. Nothing is charged while it waits."
PAUSED_DOWN = "⏸️ NovelAI is not answering. Your place is kept; I look again {t:R}. Nothing is charged while it waits."
PAUSED_ACCOUNT = "⏸️ My NovelAI account needs its owner. They have been told; your picture waits. Nothing is charged."
FAILED_ACCOUNT = "My NovelAI account needs its owner. They have been told; your picture waits. Nothing is charged."
FAILED_BUG = "Something went wrong on my side. Nothing was charged. If it happens again, tell the operator code {id}."
FAILED_PRICE = "The price rose while this waited, so I did not make it. Nothing was charged."
FAILED_LATE = "I could not make this in time and took it back. Nothing was charged."
FAILED_ANSWER = "NovelAI's answer to this one was lost. Nothing was charged to you."
FAILED_LEFT = "I was removed from that server while this waited, so I took it back. Nothing was charged."
FAILED_RESTORED = "This waited when I was set back to an earlier state, so I did not make it. Nothing was charged."
HELD = "🔎 Waiting for a moderator's look. Nothing is charged until it is shown."
PROPOSED = "🔎 Waiting for a moderator's yes. Nothing is made or charged before."
SUGGESTED = "💡 {member} suggests this · {price}"
BLOCKED_PICTURE = "The picture did not fit the rules of {channel}, so it was not shown and not charged."
BLOCKED_PICTURE_CASE = (
    "The picture did not fit the rules of {channel}, so it was not shown and not charged. Case {case}."
)
BLOCKED_UNRATED = "I could not check this picture, so I did not show it. Nothing was charged; try it once more."
BLOCKED_IMAGE = "An image this begins with does not fit the rules of {channel}. Nothing was made or charged."
DECLINED = "Nobody said yes to this one. Nothing was made or charged."
DECLINED_CASE = "Nobody said yes to this one. Nothing was made or charged. Case {case}."
LOCKED_CASE = "I do not make this, anywhere. Nothing was made or charged. This is case {case}."
LOCKED_PICTURE = "I do not show this, anywhere. Nothing was charged."
LOCKED_PICTURE_CASE = "I do not show this, anywhere. Nothing was charged. This is case {case}."
BUTTON_WITHDRAW = "Withdraw"
BUTTON_MAKE = "Make it"
BUTTON_DECLINE = "Decline"
BUTTON_APPEAL = "Appeal"
BLOCKED_RULES = "What is allowed here changed while this waited, so I did not make it. Nothing was charged."
RATING_FAILED = "The check of this picture failed, so nobody knows what it shows."
RATING_SLOW = "The check of this picture took too long, so nobody knows what it shows."
RATING_UNREADABLE = "This picture could not be opened to be checked, so nobody knows what it shows."
STORE_BROKEN = (
    "I cannot write anything down just now, so I started nothing. Nothing was charged. Try again in a minute."
)

# --- money and limits ------------------------------------------------------------------------------------------------
PRICE_CONFIRM = "This one costs {price}: {reason}."
PRICE_CONFIRM_DETAIL = "-# {free} megapixel and {steps} steps are free · your Anlas today: {used} of {limit}"
PRICE_REASON_SIZE = "{size} is over the free size"
PRICE_REASON_STEPS = "more than {steps} steps are never free"
PRICE_REASON_SAMPLES = "only the first of several pictures can be free"
PRICE_REASON_ACCOUNT = "my NovelAI account has nothing free just now"
PRICE_CHANGED = "The price went from {old} to {new}. Nothing was spent."
PRICE_NEVER = "This would cost {price}, and this server never spends any. Nothing was made."
PRICE_DIRECT = "This would cost {price}, and I spend none in direct messages. Nothing was made."
PRICE_HOUSE = "This would cost {price}, and whoever runs me never spends any. Nothing was made."
PRICE_NOFREE = (
    "My NovelAI account has nothing free, and this server never spends. An admin can allow it in {/config}. "
    "Nothing was made."
)
PRICE_NOFREE_HOUSE = "My NovelAI account has nothing free just now, and nothing is spent here. Nothing was made."
PRICE_REFUSED = "NovelAI does not take anything this large ({price}, at most {most}). Nothing was made."
PRICE_PART = "{words}: {price}"
PRICE_PART_PICTURE = "{n} × picture"
PRICE_PART_FREE = "{n} × picture, the account's free sample"
PRICE_PART_REFERENCE = "{n} × precise reference"
PRICE_PART_VIBE = "{n} × vibe above four"
PRICE_PART_ENCODING = "{n} × vibe to encode"
PRICE_PART_TOOL = "{n} × image tool"
PRICE_PART_UPSCALE = "{n} × upscale"
PRICE_SUM = "-# {size}, {steps} steps: {each}"
PRICE_SUM_FREE = "the account's free sample"
QUOTA_DAY = "You have made {used} of {limit} pictures today. More {reset:R}."
QUOTA_WEEK = "You have made {used} of {limit} pictures this week. More {reset:R}."
QUOTA_ANLAS = "You have used {used} of {limit} Anlas {window}. More {reset:R}. Free sizes still work."
QUOTA_NONE = "You may make no pictures here. Nothing was charged."
QUOTA_MANY = "These are {wanted} pictures, and {limit} are the most for you {window}. Nothing was charged."
QUOTA_ANLAS_NONE = "You may spend no Anlas here. Free sizes still work."
QUOTA_PRICE = "This costs {wanted} Anlas, and {limit} are the most for you {window}. Free sizes still work."
QUOTA_EVERYWHERE = "You have made {used} of {limit} pictures {window}, all servers together. More {reset:R}."
QUOTA_ANLAS_EVERYWHERE = (
    "You have used {used} of {limit} Anlas {window}, all servers together. More {reset:R}. Free sizes still work."
)
QUOTA_WAITING = "You already have {n} waiting; {limit} is the most here. Nothing was charged."
BUDGET_SERVER = "This server has used what it may {window}. More {reset:R}."
BUDGET_HOUSE = "I have used what I may {window}, for everybody. More {reset:R}."
WINDOWS = {"day": "today", "week": "this week"}
COOLDOWN = "One moment: the next one {t:R}."
DRAFT_GONE = "This question is too old. Ask again with {/generate}. Nothing was charged."

# --- mistakes --------------------------------------------------------------------------------------------------------
OPTION_GONE = "I cannot see what you chose there. Choose another one. Nothing was changed."
OPTION_RANGE = "{Option} goes from {low} to {high}. Nothing was made."
OPTION_MODEL = "{model} has no {feature}. These do: {models}. Nothing was made."
OPTION_MODEL_NONE = "{model} has no {feature}. Nothing was made."
OPTION_CHOICE = "{model} has no {option} of that name. These work: {choices}. Nothing was made."
OPTION_FIXED = "{Option} are always {value} on {model}. Nothing was made."
OPTION_IMAGE = "{Option}, as chosen, does not go with an image to begin with. Leave it out. Nothing was made."
MODEL_GONE = "NovelAI no longer offers {model}. These work: {models}. Nothing was made."
CHARACTERS_EMPTY = (
    "Character {n} is empty. Write each like this: `girl, red hair @B3 // hat`, with `|` between two. Nothing was made."
)
CHARACTERS_PLACE = (
    '"{place}" is no place. Put one behind a character: @A1 (top left) to @E5, or @0.3,0.7 on V5. Nothing was made.'
)
CHARACTERS_MANY = "{model} takes {limit} characters at most. These take more: {models}. Nothing was made."
CHARACTERS_MANY_ALL = "{model} takes {limit} characters at most. Nothing was made."
SOURCE_ONE = "An image is either redrawn as a whole or in a part, not both. Nothing was made."
VIBES_ALONE = "Vibes go neither with a precise reference nor with a mask. Leave one out. Nothing was made."
TOOL_MOOD = "A mood belongs to the tool that changes the mood, and that tool needs one. Nothing was made."
TOOL_PROMPT = "This tool takes neither a prompt nor a strength; colorizing and the mood do. Nothing was made."
IMAGE_AREA = "That image is too large for this; {pixels:,} pixels are the most. Nothing was made."
OPTION_UNKNOWN = "{Option} must be one of: {choices}. Nothing was made."
SIZE_GRID = "Sides must be multiples of 64. The nearest is {size}. Nothing was made."
SIZE_RANGE = "Each side goes from {low} to {high}. Nothing was made."
SIZE_AREA = "That is larger than NovelAI draws. The largest of this shape is {size}. Nothing was made."
SIZE_UNKNOWN = "A size is a name like Landscape, a shape like 2:3, or two sides like {example}. Nothing was made."
PROMPT_EMPTY = "The prompt is empty. Say what to draw. Nothing was made."
PROMPT_UNREADABLE = "The prompt holds half a character that cannot be sent. Type it anew. Nothing was made."
PROMPT_LONG = 'The prompt has {n} tokens and {model} reads {limit}. What comes after "{tag}" is ignored.'
PROMPT_LONG_ALL = "The prompt has {n} tokens and {model} reads {limit}. The rest is ignored."
PROMPT_LONG_ABOUT = "The prompt has about {n} tokens, by its length, and {model} reads {limit}. The rest is ignored."
PROMPT_UNKNOWN = "These characters mean nothing to {model}: {characters}"
IMAGE_TYPE = "That is not a picture I can read. PNG, JPEG, WebP and GIF work, up to 25 MiB."
IMAGE_LARGE = "That file is too large. PNG, JPEG, WebP and GIF work, up to {limit_mb} MiB."
IMAGE_BROKEN = "The file ends too early or is damaged, so I could not read it. Try the original file."
IMAGE_SLOW = "Fetching that file took too long. Try again in a minute."
IMAGE_GONE = "That file is gone. Upload it again."
IMAGE_NONE = "There is no picture in that message. Choose a message with a PNG, JPEG, WebP or GIF."

# --- the house says no -----------------------------------------------------------------------------------------------
NOT_SERVED = "I am not open in this server yet. Its admins have nothing to do; whoever runs me has been asked."
DIRECT_OFF = "I draw in servers only. In direct messages I read images: {/inspect}."
PLACE = "I do not draw in {channel}. Here I may: {channels}. Nothing was charged."
PLACE_NONE = "This server has not set me up yet. An admin can, in about a minute, with {/config}."
PLACE_UNCHECKED = (
    "This server has not set me up to draw without a check, and I have no classifier for pictures. "
    "An admin can allow it with {/config}."
)
WORD = 'This server does not allow "{word}" in prompts. Nothing was charged; change it and send again.'
WORD_HIDDEN_CASE = (
    "This prompt hides a word that is not allowed here. Nothing was charged; change it and send again. "
    "This is case {case}. It counts towards a pause."
)
WORD_PATTERN = "This server does not allow something in this prompt. Nothing was charged; change it and send again."
WORD_SLOW = "I could not check this prompt in time, so I did not make it. Nothing was charged; a shorter one may do."
REVIEW = "This server wants a moderator's look at prompts like this one. Nothing was charged; change it and send again."
FILTER_DOWN = "My check of prompts does not work, so I make nothing until it does. Whoever runs me has been told."
WORD_HIDDEN = "This prompt hides a word that is not allowed here. Nothing was charged; change it and send again."
AGE = "That belongs in an age-restricted channel, such as {channel}. Nothing was charged."
NSFW_ASKED = 'I keep pictures safe in {channel}: leave out "{tag}", or use {other}. Nothing was charged.'
NSFW_ASKED_ONLY = 'I keep pictures safe in {channel}: leave out "{tag}" and send again. Nothing was charged.'
NSFW_WEAKENED = (
    'I keep pictures safe in {channel}: the undesired content must not weaken "{tag}". '
    "Leave its weight out and send again. Nothing was charged."
)
DIRECT_MESSAGES = "direct messages"
NSFW_MIXED = (
    'I keep pictures safe in {channel}: leave "|" out of the undesired content and send again. Nothing was charged.'
)
NSFW_ADDED = "I put `nsfw` in front of the undesired content, because pictures are kept safe here."
LOCKED = "I do not make this, anywhere. Nothing was made or charged."
BLOCKED_MEMBER = "You cannot use me here until {until:f}.{reason}"
BLOCKED_MEMBER_CASE = "You cannot use me here until {until:f}.{reason} Case {case}."
BLOCKED_MEMBER_LASTING_CASE = "You cannot use me here.{reason} Case {case}."
MUST_READ = "{author} left you a note{words}. Press to go on."
MUST_READ_ITSELF = (
    "I left you a note: several of your wishes were refused within a short time, and going on like that leads to a "
    "pause. Press to go on."
)
MUST_READ_WORDS = ': "{words}"'
BUTTON_ACK = "I understand"
BLOCKED_MEMBER_LASTING = "You cannot use me here.{reason}"
BLOCKED_REASON = " Reason: {reason}."
ADMIN_ONLY = "Only people who may manage this server can do that. Nothing was changed."
MODERATOR_ONLY = "Only moderators of this server can do that. Nothing was changed."
OPERATOR_ONLY = "Only the people who run me can do that. Nothing was changed."
FIRST_PICTURE = (
    "Your first picture here. Its file carries the prompt; I keep the request {days} days. {/privacy show} shows what "
    "I keep, and erases it."
)
NOT_YOURS = "Only {author} or a moderator can do that."
PRIVATE_OFF = "This server does not allow private pictures. Nothing was charged; ask again without it."
GONE = "This button is too old. Make the picture again with {/generate}."
SLOW = "That took too long. Press again."
FORM_GONE = "This form is too old, so I could not use it. Nothing was changed or charged."

# --- setting a server up ---------------------------------------------------------------------------------------------
WELCOME = "Thanks for having me. I draw nothing until an admin picks a channel."
SETTING_UNKNOWN = "I have no setting of that name. Choose one from the list."
SETTING_VALUE = "Say what it shall be: choose a value from the list. Now it is {value}."
SETTING_NAME = "Say which setting it is for: choose one from the list. Nothing was changed."
SETTING_SWITCH = "That can be on or off. Nothing was changed."
SETTING_NUMBER = "{Setting} goes from {low} to {high}. Nothing was changed."
SETTING_CHOICE = "That can be one of: {choices}. Nothing was changed."
SETTING_ZONE = (
    "I know no such time zone. Write it like Europe/Berlin, or choose one from the list. Nothing was changed."
)
SETTING_PLACE = "I know no such channel or role here. Nothing was changed."
CHANGED = "Changed: **{label}**: {old} → {new}"
CHANGED_BACK = "Changed back: **{label}**: {old} → {new}"
CHANGE_SAME = "**{label}** is {new} already. Nothing was changed."
CHANGE_GONE = "That was too long ago, or somebody did it already. Nothing was changed."
CHANGE_KEPT = "Nothing was changed."
CONFIRM = "**{label}**: {old} → {new}. {consequence}"
DANGERS = {
    "never_spend": "Members can then spend the Anlas of whoever runs me, after a question and within their limits.",
    "age_restricted": "Members can then ask for age-restricted pictures in age-restricted channels.",
    "unchecked": "Where no classifier looks at pictures, what the rules for words let through is shown.",
}
NO_LIMIT = "no limit"
NOT_SET = "none"
ON = "on"
OFF = "off"
SECONDS = "{n} s"
SPOILERS = {"off": "off", "age_restricted": "age-restricted channels", "always": "always"}
GROUPS = {
    "places": "Places",
    "limits": "Limits",
    "money": "Money",
    "safety": "Safety",
    "people": "People",
    "log": "Log",
    "look": "Look",
}
SETTING_LABELS = {
    "channels": "Channels",
    "age_restricted": "Age-restricted use",
    "pictures_day": "Pictures a day",
    "pictures_week": "Pictures a week",
    "quick_day": "Quick pictures a day",
    "time_zone": "Time zone",
    "cooldown": "Cooldown",
    "running": "Drawn at once",
    "waiting": "Waiting at most",
    "anlas_day": "Anlas a day",
    "anlas_week": "Anlas a week",
    "budget_day": "Anlas a day for the server",
    "never_spend": "Never spend Anlas",
    "spoiler": "Spoiler",
    "private": "Private pictures",
    "unchecked": "Show unchecked pictures",
    "moderator_role": "Moderator role",
    "approval": "Suggestions only",
    "approval_role": "Role that suggests",
    "log_channel": "Log channel",
    "review_channel": "Review channel",
    "ping_role": "Role to ping",
    "case_days": "Days for a case",
    "report_limit": "Reports that hide",
    "show_prompts": "Show prompts",
    "model": "Model",
    "nudge": "Ping when it took long",
    "size": "Size",
    "auto_inspect": "Look at images unasked",
}
SETTING_HELP = {
    "channels": "Where I may draw, threads included.",
    "age_restricted": "Whether age-restricted channels may have age-restricted pictures.",
    "pictures_day": "For each member; more is refused until midnight.",
    "pictures_week": "For each member; more is refused until Monday.",
    "quick_day": "Past these a member's pictures are drawn later, and never refused for it.",
    "time_zone": "When the day and the week end. What was used counts on.",
    "cooldown": "Seconds between two wishes of a member.",
    "running": "How many pictures of one member are drawn at the same time.",
    "waiting": "How many pictures of one member may wait.",
    "anlas_day": "What each member may spend a day.",
    "anlas_week": "What each member may spend a week.",
    "budget_day": "What all members together may spend a day.",
    "never_spend": "Members can only make what is free.",
    "spoiler": "Where pictures are hidden until somebody presses.",
    "private": "Whether members may ask for pictures that only they see.",
    "unchecked": "Whether I draw while no classifier looks at pictures before they are shown.",
    "moderator_role": "Who moderates besides members with Moderate Members. Allow `/mod` for them in Discord too.",
    "approval": "Channels where members suggest pictures and moderators say yes.",
    "approval_role": "Members with this role suggest in every channel, and moderators say yes.",
    "log_channel": "Where I write what was decided and changed.",
    "review_channel": "Where moderators decide. Make it age-restricted, or held pictures can only be discarded.",
    "ping_role": "Who is pinged when a case comes up. Discord pings a role only if anyone may mention it.",
    "case_days": "A case that nobody decided by then is discarded.",
    "report_limit": "So many members' reports hide a picture behind a spoiler until a moderator looked.",
    "show_prompts": "Whether the prompt stands over a picture.",
    "model": "Which of NovelAI's models draws when nobody says otherwise.",
    "nudge": "Whether I ping a member once when a picture took more than two minutes.",
    "size": "What is drawn when nobody says otherwise.",
    "auto_inspect": "Where I put a 🔎 on images that say how they were made; who presses it is told by direct message.",
}
CONFIG = "Set up this server: places, limits, money, safety, people, log"
CONFIG_SETTING = "Which setting; empty opens the panel"
CONFIG_VALUE = "What it shall be"
CONFIG_HEADING = "### Settings · {group}"
CONFIG_GROUP = "Choose a group"
CONFIG_SECTION = "**{label}**: {value}\n-# {help}"
CONFIG_HOUSE = "-# Whoever runs me never spends Anlas, so nothing costs anything here whatever you choose."
CONFIG_UNCHECKED = "-# ⚠️ Pictures are not checked: I have no classifier. Whoever runs me can give me one."
CONFIG_CHECKED = "-# A classifier looks at every picture before it is shown. It can be wrong."
CHOOSE_CHANNEL = "Choose a channel"
CHOOSE_CHANNELS = "Choose channels"
CHOOSE_ROLE = "Choose a role"
CHOOSE_ONE = "Choose one"
FORM_SETTING = "New value"
FORM_NUMBER_HINT = "From {low} to {high}."
FORM_ZONE_HINT = "Such as Europe/Berlin or New York."
FORM_LIMIT_HINT = "From {low} to {high}, or none for no limit."
BUTTON_SET_UP = "Set up"
BUTTON_CHANGE = "Change"
BUTTON_UNDO = "Undo"
BUTTON_BACK = "Back"
BUTTON_NEXT = "Next"
BUTTON_LATER = "Later"
BUTTON_ACCEPT = "I accept this"
BUTTON_OPEN = "Open the doors"
BUTTON_ALLOW = "Yes, change it"
BUTTON_CLEAR = "None"
SETUP_PLACES = "### Set up · 1 of 4 · Where may I draw?"
SETUP_PLACES_NONE = "-# Nothing is drawn anywhere until you open the doors at the end."
SETUP_PLACES_CHECKED = "-# I draw in a channel as soon as you pick it; each member's limits hold from the start."
SETUP_CAN = "✓ I can post in {channel}"
SETUP_GONE = "✗ A channel that was chosen is deleted."
SETUP_CANNOT = "✗ {channel}: I lack {permissions} there"
SETUP_PEOPLE = "### Set up · 2 of 4 · Who looks after it?"
SETUP_PEOPLE_LINE = (
    "Moderators are members with Moderate Members, and a role if you choose one. Choose a channel for log and "
    "reviews, where I write what was decided and ask; a private one is best.\n"
    "-# Needed before age-restricted use. Make the review channel age-restricted, or held pictures can only be "
    "discarded."
)
SETUP_LIMITS = "### Set up · 3 of 4 · How much for each member a day?"
SETUP_LIMITS_LINE = "**Pictures a day**: {pictures} · **Anlas**: {anlas}"
SETUP_NEVER = "never spend, free sizes only"
SETUP_NOFREE = (
    "⚠️ My NovelAI account has nothing free, so with never spend nobody can draw. Allow Anlas in {/config} under Money."
)
SETUP_READY = "### Set up · 4 of 4 · Ready?"
SETUP_READY_LINES = (
    "**Channels**: {channels}\n**Moderators**: {moderators}\n**Log**: {log}\n"
    "**Each member a day**: {pictures} pictures\n**Anlas**: {anlas}"
)
SETUP_UNCHECKED = "⚠️ Pictures are not checked here: no classifier. The rules for words still hold."
SETUP_ACCEPTED = "✓ Pictures without a check are accepted."
SETUP_CHECKED = "✓ A classifier looks at every picture before it is shown. It can be wrong."
SETUP_NEEDS_CHANNEL = "✗ No channel is picked yet. Go back to the first step."
SETUP_CLOSED = "-# Nothing is drawn before you open the doors."
SETUP_DONE = (
    "✅ The doors are open. I draw in {channels}. Members begin with {/generate}; you change things in {/config}."
)
SETUP_LATER = "Nothing is drawn yet. Go on whenever you like with {/config}."
PERMISSIONS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
    "send_messages_in_threads": "Send Messages in Threads",
    "add_reactions": "Add Reactions",
}

# --- whose bot it is -------------------------------------------------------------------------------------------------
ADMISSION_ONE = "**{server}** (1 member, id {id}) invited me. I stay silent there until you admit it."
ADMISSION = "**{server}** ({n} members, id {id}) invited me. I stay silent there until you admit it."
ADMITTED = "✅ **{server}** is admitted. Its admins can set me up now."
ADMITTED_ALREADY = "That server is admitted already."
ADMISSION_GONE = "I am not in that server any more. Nothing was changed."
ADMISSION_LATER = "**{server}** is not admitted. Its id in GUILDS, or a new invitation, brings it back."
BUTTON_ADMIT = "Admit"
OPERATOR_UNREACHED = (
    "The operator could not be told: {reason}. Set OPERATOR_CHANNEL to a channel where I may write, or open your "
    "direct messages."
)
REASON_CLOSED = "their direct messages are closed"
REASON_FORBIDDEN = "I may not write in OPERATOR_CHANNEL"
REASON_GONE = "there is no such channel"
REASON_NOBODY = "no operator is known"
REASON_DISCORD = "Discord did not take the message"

# --- words that a server refuses -------------------------------------------------------------------------------------
RULES = "The words that this server refuses"
RULES_ADD = "Refuse a word or phrase here; says first what it would hit"
RULES_ADD_TEXT = "A word or phrase; disguises of it are read through"
RULES_REMOVE = "Take a word off the list"
RULES_REMOVE_TEXT = "Which word"
RULES_LIST = "The words this server refuses"
RULES_TEST = "What would happen to this prompt here, and why; nothing is made"
RULES_TEST_PROMPT = "The prompt to try"
RULES_TEST_CHANNEL = "Where; empty means here"
RULES_ADD_THEN = "What follows; empty means it is refused"
RULES_ADD_KIND = "How it is looked for; empty means a word or phrase"
RULES_ALLOW = "Never refuse this word or phrase here, where it is written as it is"
RULES_ALLOW_TEXT = "A word or phrase, for instance a name that holds a refused word"
RULE_THEN = {"refuse": "Refuse", "review": "Review", "log": "Log only"}
RULE_KINDS = {"word": "Word", "hard": "Hard word", "pattern": "Pattern (operator only)"}
WORD_EMPTY = "That holds no word I could look for. Nothing was changed."
WORD_SHORT = "That is too short: it would be read into words like {example}. Take three letters. Nothing was changed."
WORD_WIDE = "That would hit {hits} of {of} ordinary prompts, such as {example}. Nothing was changed."
WORD_KNOWN = 'The list holds "{word}" already. Nothing was changed.'
WORD_KNOWN_ALLOWED = '"{word}" is allowed here. {/rules remove} takes that back first. Nothing was changed.'
WORD_MANY = "The list is full: {limit} entries are the most. Take one off first."
WORD_NONE = "That word is not on the list. Nothing was changed."
PATTERN_ONLY = "Patterns are for the people who run me: one of them can slow everybody down. Nothing was changed."
PATTERN_BROKEN = "That pattern cannot be read: {why}. Nothing was changed."
PATTERN_NAMED = "Patterns here take no names, references, flags or comments. Nothing was changed."
PATTERN_LARGE = "That pattern repeats too much: {limit} times in all are the most. Nothing was changed."
PATTERN_EMPTY = "That pattern is found in nothing at all, and so in every prompt. Nothing was changed."
PATTERN_SLOW = "That pattern takes too long, for instance on {example}. Nothing was changed."
PATTERN_MANY = "The list holds {limit} patterns, and these are the most. Take one off first."
WORD_ASK = 'Refuse "{word}" in prompts from now on?'
WORD_ASK_REVIEW = 'Have a moderator look at prompts with "{word}" from now on?'
WORD_ASK_LOG = 'Note prompts with "{word}" in the log from now on?'
WORD_WOULD_HIT_ONE = "There is one prompt here yet, and it would have refused {hits}:"
WORD_WOULD_HIT = "Of the last {of} prompts here it would have refused {hits}:"
WORD_WOULD_HIT_NONE_ONE = "There is one prompt here yet, and it would have passed."
WORD_WOULD_HIT_NONE = "Of the last {of} prompts here it would have refused none."
WORD_WOULD_HIT_NEW = "There are no prompts here yet to try it on."
WORD_WOULD_FIND_ONE = "There is one prompt here yet, and it holds it:"
WORD_WOULD_FIND = "Of the last {of} prompts here it would have been found in {hits}:"
WORD_WOULD_FIND_NONE_ONE = "There is one prompt here yet, without it."
WORD_WOULD_FIND_NONE = "Of the last {of} prompts here it would have been found in none."
WORD_ADDED = 'From now on I refuse "{word}" here.'
WORD_ADDED_REVIEW = 'From now on a moderator looks at prompts with "{word}" here first.'
WORD_ADDED_LOG = 'From now on prompts with "{word}" are noted in the log here, and drawn.'
WORD_ADDED_ALLOWED = '"{word}" is not refused here any more where it is written like that. What I never make stays so.'
WORD_REMOVED = 'I no longer refuse "{word}" here.'
WORD_REMOVED_REVIEW = 'Nobody has to look at prompts with "{word}" here any more.'
WORD_REMOVED_LOG = 'Prompts with "{word}" are no longer noted here.'
WORD_REMOVED_ALLOWED = '"{word}" is looked at like every other word again.'
WORDS_HEADING = "### Words this server refuses · {n}"
WORDS_EMPTY = "The list is empty. {/rules add} puts a word on it. Some things I never make, anywhere."
WORDS_REVIEW = "**For a moderator's look** · {n}\n{words}"
WORDS_LOG = "**Only noted in the log** · {n}\n{words}"
WORDS_ALLOWED = "**Allowed** · {n}\n{words}"
WORDS_BROKEN = "⚠️ **Cannot be looked for, so without effect** · {n}\n{words}"
WORDS_KIND = {"word": "{word}", "hard": "{word} (hard)", "pattern": "{word} (pattern)", "allowed": "{word}"}
BUTTON_REFUSE = "Refuse it"
BUTTON_ADD_RULE = "Add it"
TEST_PASSES = "✓ In {channel} this would be drawn · {price}."
TEST_STEERED = "-# The undesired content would begin with `nsfw`."
TEST_REFUSED = "✗ In {channel} this would be refused. The member would read:\n> {sentence}"
TEST_REVIEW = "🔎 In {channel} a moderator would look first. Where none can be asked the member reads:\n> {sentence}"
TEST_TIER = {
    "locked": "-# Tier: never made anywhere. No setting of yours lifts it, and the word is not shown.",
    "refuse": "-# Tier: refused by this server.",
    "review": "-# Tier: for a moderator's look in this server.",
    "log": "-# Tier: noted in this server's log, and drawn.",
}
TEST_RULE = "-# Found: {rule}, {seen}."
TEST_SEEN = {
    "open": "written openly",
    "disguised": "behind a disguise",
    "joined": "put together from its pieces or look-alikes",
}
TEST_SLOW = "-# Its patterns took too long on this prompt, which counts as found."

# --- moderators ------------------------------------------------------------------------------------------------------
MOD = "For moderators"
MOD_BLOCK = "Stop a member from using me here"
MOD_UNBLOCK = "Let a member use me again"
MOD_MEMBER = "Which member"
MOD_DURATION = "How long; empty means until lifted"
MOD_REASON = "The member reads it"
DURATIONS = {
    "3600": "1 hour",
    "86400": "24 hours",
    "604800": "7 days",
    "2592000": "30 days",
    "0": "Until lifted",
}
BLOCKED = "{member} cannot use me here until {until:f}.{reason} {/mod unblock} lifts it."
BLOCKED_LASTING = "{member} cannot use me here until it is lifted.{reason} {/mod unblock} does that."
BLOCKED_TAKEN_ONE = "1 waiting picture was taken back."
BLOCKED_TAKEN = "{n} waiting pictures were taken back."
UNBLOCKED = "{member} can use me here again."
BLOCK_SELF = "You cannot do that to yourself. Nothing was changed."
BLOCK_OPERATOR = "They run me, so that cannot be done to them. Nothing was changed."
BLOCK_ADMIN = "They manage this server, so that cannot be done to them. Nothing was changed."
BLOCK_NONE = "{member} is not blocked here. Nothing was changed."

# --- limits of roles and members -------------------------------------------------------------------------------------
LIMITS = "Who may make how much"
LIMITS_SHOW = "Who may make how much"
LIMITS_CLEAR = "Remove a special limit"
LIMITS_SET = "Give a role or a member a limit of their own"
LIMITS_GRANT = "Give extra pictures or Anlas"
LIMITS_RESET = "Count a member from zero again"
LIMITS_WHO = "A role or a member"
LIMITS_PICTURES_DAY = "Pictures a day"
LIMITS_PICTURES_WEEK = "Pictures a week"
LIMITS_ANLAS_DAY = "Anlas a day"
LIMITS_ANLAS_WEEK = "Anlas a week"
LIMITS_WAITING = "How many may wait"
LIMITS_NO_LIMIT = "What shall have no limit"
LIMITS_MEMBER = "Which member"
LIMITS_PICTURES = "How many more pictures, today and this week"
LIMITS_ANLAS = "How many more Anlas, today and this week"
LIMITS_REASON = "It goes on record"
LIMITS_ALL = "All of these"
LIMITS_NOTHING = "Say how much of what. Nothing was changed."
LIMITS_EVERYONE = "That is everybody. What everybody may stands in {/config}. Nothing was changed."
LIMITS_STRANGER = "They are not in this server. Nothing was changed."
LIMITS_UNKNOWN = "I know no such role or member here. Nothing was changed."
LIMITS_NOT_SET = "{who} has no limit of their own. Nothing was changed."
LIMITS_MANY = "{limit} roles and members have limits of their own, and that is the most. Clear one first."
LIMITS_SET_DONE = "From now on {who} may: {measures}."
LIMITS_CLEARED = "{who} has no limit of their own any more."
LIMITS_HEADING = "### Who may make how much"
LIMITS_DEFAULT = "**Everybody**: {measures}"
LIMITS_LINE = "{who}: {measures}"
LIMITS_SERVER = "-# The day ends {day:R} and the week {week:R} ({zone}). Of several roles the highest limit counts."
LIMITS_SERVER_NONE = "No role and no member has a limit of their own. {/limits set} gives one."
LIMITS_FILE = "-# The whole list is in the file."
MEASURES = {
    "pictures_day": "{n} pictures a day",
    "pictures_week": "{n} pictures a week",
    "anlas_day": "{n} Anlas a day",
    "anlas_week": "{n} Anlas a week",
    "waiting": "{n} waiting",
}
GRANT_DONE = "{member} may use {amounts} more today and this week.{reason}"
GRANT_BACK = "Taken back: {member} may no longer use {amounts} more."
RESET_DONE = "{member} is counted from zero again.{reason}"
RESET_BACK = "{member} is counted as before."
GRANT_PICTURES_ONE = "1 picture"
GRANT_PICTURES = "{n} pictures"
GRANT_ANLAS = "{n} Anlas"
AND = " and "

# --- cases -----------------------------------------------------------------------------------------------------------
CASE_GONE = "There is no such case here, or it is not yours. Nothing was changed."
CASE_OWN = "Nobody decides about themselves. Another moderator can."
CASE_HOUSE = "This is never made or shown anywhere, so nobody looks at it; an appeal goes to whoever runs me."
SUGGESTION_REFUSED = (
    "By the rules this cannot be made now: {refusal}. Decline it, or approve it once that changed. Nothing was changed."
)
CASE_DECIDED = "{actor} was first: {decision}. Nothing was changed."
DECISIONS = {
    "approved": "approved",
    "rejected": "rejected",
    "warned": "rejected with a warning",
    "report.warned": "deleted, with a warning",
    "sanction.warned": "a note to read",
    "proposal.rejected": "declined",
    "paused": "paused",
    "blocked": "blocked",
    "refused": "refused",
    "expired": "not decided in time",
    "withdrawn": "taken back",
    "dismissed": "dismissed",
    "hidden": "hidden",
    "deleted": "deleted",
    "upheld": "upheld",
    "lifted": "lifted",
    "apologised": "lifted, with an apology",
}
CASE_OVER = "This case is over: {decision}. Nothing was changed."
LOOK_PLACE = "I show it only in an age-restricted review channel. Make this one age-restricted, or discard the case."
LOOK_NONE = "The picture is not kept any more. Nothing was changed."
CASE_KINDS = {
    "held": "Held for review",
    "proposal": "Suggested",
    "report": "Reported",
    "refusal": "Refused",
    "sanction": "About a member",
    "appeal": "Appeal of case {parent}",
}
CASE_SYMBOLS = {
    "held": "🔎",
    "proposal": "💡",
    "report": "🚩",
    "refusal": "🚫",
    "sanction": "⛔",
    "appeal": "⚖️",
}
DECISION_SYMBOLS = {
    "approved": "✅",
    "rejected": "🚫",
    "warned": "🚫",
    "paused": "⛔",
    "blocked": "⛔",
    "refused": "🚫",
    "expired": "⌛",
    "withdrawn": "↩️",
    "dismissed": "✅",
    "hidden": "🙈",
    "deleted": "🗑️",
    "upheld": "⚖️",
    "lifted": "↩️",
    "apologised": "↩️",
}
CASE_HEADING = "### {symbol} Case {case} · {what}"
CASE_PING = "-# {role}"
CASE_WHERE = "{member}{channel}{adult}{job}{due}"
CASE_CHANNEL = " · {channel}"
CASE_SAFE = " (not age-restricted)"
CASE_ADULT = " (age-restricted)"
CASE_JOB = " · job {job}"
CASE_DUE = " · discarded {due:R} if nobody decides"
CASE_WHY = "**Why** {why}"
CASE_FIGURES = "**{member}** {pictures}, {warnings}"
CASE_PICTURES_ONE = "1 picture"
CASE_PICTURES = "{n} pictures"
CASE_WARNINGS_ONE = "1 warning"
CASE_WARNINGS = "{n} warnings"
CASE_PROMPT = "**Prompt** {prompt}"
CASE_PROMPT_GONE = "-# The prompt is not kept any more."
CASE_PRICE = "**Price** {price}, paid from what the server may use"
CASE_REPORTS_ONE = "**1 report** {reasons}"
CASE_REPORTS = "**{n} reports** {reasons}"
CASE_REPORT_TIMES = "{reason} ×{n}"
CASE_QUOTE = "> {words}"
CASE_DECIDED_BEFORE = "**Decided** {decision} by {actor} {at:R}{words}"
CASE_APPEAL_WORDS = "**{member} writes** {words}"
CASE_LOOKS_AT_NOTHING = "-# Nothing of it is kept, and nobody looks at it."
CASE_CLOSED = "### {symbol} Case {case} · {decision} · by {actor} {at:R}{words}"
CASE_CLOSED_ITSELF = "### {symbol} Case {case} · {decision} {at:R}"
CASE_UNDONE = "\n⚠️ Discord does not let me touch the picture of job {job} any more. Delete it in {channel} by hand."
CASE_UNTIL = "{decision} until {until:f}"
CASE_WORDS = ' · "{words}"'
WHY = {
    "rating": "picture rated explicit {score} (shown below {limit})",
    "minor": "words that may mean a minor, and a picture rated explicit {score} (shown below {limit})",
    "unrated": "the check failed, so nobody knows what it shows",
    "heat": "several refused prompts within a short time",
    "moderator": "a moderator decided it",
    "operator": "whoever runs me decided it",
    "locked": "what is never made anywhere",
    "word.hidden": "a disguised word of this server's list",
    "approval": "pictures are only suggested here",
    "rule": "breaks a rule",
    "person": "a real person",
    "sexual": "sexual",
    "violent": "violent",
    "other": "something else",
}
REASONS = {
    "rules": "Against the rules here",
    "sexual": "Too sexual for this place",
    "violent": "Too violent for this place",
    "person": "Shows a real person",
    "none": "None of these",
}
"""What a moderator's form offers; the last one stands for their own words alone."""
CASE_REASON_WORDS = "{reason}. {words}"
BUTTON_LOOK = "Look"
BUTTON_APPROVE = "Approve"
BUTTON_REJECT = "Reject"
BUTTON_REJECT_WARN = "Reject and warn"
BUTTON_CASE_BLOCK = "Block…"
BUTTON_RECORD = "Record"
BUTTON_HIDE = "Hide"
BUTTON_DELETE_WARN = "Delete and warn"
BUTTON_UPHOLD = "Uphold"
BUTTON_LIFT_SORRY = "Lift and apologise"
BUTTON_HISTORY = "History"
BUTTON_OPEN_CASE = "Open"
BUTTON_ANYWAY = "Decide it anyway"
FORM_CASE_WARN = "Reject and warn"
FORM_CASE_DELETE = "Delete and warn"
FORM_CASE_BLOCK = "Block"
FORM_CASE_REASON = "Reason"
FORM_CASE_WORDS = "Words to the member"
FORM_CASE_WORDS_HINT = "They read them with the reason, and who wrote them."
FORM_CASE_DURATION = "How long"
FORM_APPEAL = "Ask for a second look"
FORM_APPEAL_WORDS = "Why should it be looked at again?"
LOOKED = "Case {case}, job {job}. That you looked is on record."
APPEAL_FIRST = "You decided this one yourself. Better somebody else looks at it; you may all the same."
MOD_CASE = "Open one case"
MOD_CASE_NUMBER = "Which case"
MOD_CASES = "Cases waiting for a decision, oldest first"
MOD_CASES_STATE = "Which ones; empty means open"
MOD_CASES_MEMBER = "Only those about one member"
CASE_STATES = {"open": "Open", "appealed": "Appealed", "closed": "Closed"}
CASES_HEADING = "### Cases · {state}"
CASES_NONE = "There are none."
CASES_MORE = "-# and more"
CASES_LINE = "**{case}** {what} · {member} · {at:R}"
CASES_LINE_CLOSED = "**{case}** {what} · {decision} · {member} · {at:R}"
CASES_CHOICE = "{case} · {what}"
CASES = "Decisions about you, each with its appeal"
CASES_OWN_HEADING = "### Decisions about you"
CASES_OWN_NONE = "There are none. What moderators decide about you stands here, with a way to ask for a second look."
CASES_OWN_OPEN = "**Case {case}** {what} · waiting since {at:R}"
CASES_OWN = "**Case {case}** {what} · {decision} by {actor} {at:f}{words}{where}"
CASES_OWN_WHERE = "\n-# {where}{appeal}"
CASES_OWN_APPEALED = " · your appeal is being looked at"
CASES_OWN_LOOKED = " · looked at again: {decision}"
WHERE_DIRECT = "direct messages"
WHERE_EVERYWHERE = "everywhere"
WHERE_SOMEWHERE = "another server"
HISTORY_HEADING = "### Case {case} · history"
HISTORY_OPENED = "{at:f} opened · {why}"
HISTORY_DECIDED = "{at:f} {decision} by {actor}{words}"
HISTORY_DECIDED_ITSELF = "{at:f} {decision}"
HISTORY_APPEAL = "{at:f} appealed, case {case}"
HISTORY_UNREAD = "-# The note was not read yet."
APPEAL = "Ask for a second look"
APPEAL_CASE = "Which decision about you"
APPEAL_LENGTH = "An appeal has {low} to {high} characters. Nothing was sent."
APPEAL_SENT = (
    "Sent. Somebody other than {actor} will look if possible; you get the answer by message, and it stands in {/cases}."
)
APPEAL_SENT_HOUSE = "Sent to the people who run me. You get the answer by message, and it stands in {/cases}."
APPEAL_SENT_BOT = "Sent to the moderators. You get the answer by message, and it stands in {/cases}."
ACKNOWLEDGED = "✓ Read. You can go on."
TOLD_WHERE = "**{where}**: {said}"
TOLD_WARNED = "{actor} left you a note{words}. Press to go on; no picture is made for you before. Case {case}."
TOLD_WARNED_HEAT = (
    "several of your wishes were refused within a short time. Going on like that leads to a pause. "
    "Press to go on; no picture is made for you before. Case {case}."
)
TOLD_PAUSED = "{actor} paused pictures for you until {until:f}.{reason} Your waiting ones were taken back. Case {case}."
TOLD_PAUSED_HEAT = (
    "too many of your wishes were refused, so I paused pictures for you until {until:f}. "
    "Your waiting ones were taken back. Case {case}."
)
TOLD_BLOCKED = (
    "{actor} closed me to you until they lift it.{reason} Your waiting pictures were taken back. Case {case}."
)
TOLD_BLOCKED_HEAT = (
    "too many of your wishes were refused, so I am closed to you until a moderator lifts it. "
    "Your waiting pictures were taken back. Case {case}."
)
TOLD_DELETED = "{actor} deleted your picture of job {job} because members reported it. Case {case}."
TOLD_WARNED_DELETED = (
    "{actor} deleted your picture of job {job} and left you a note{words}. "
    "Press to go on; no picture is made for you before. Case {case}."
)
TOLD_APPEAL_UPHELD = "your appeal of case {parent} was looked at again, and the decision stays as it is."
TOLD_APPEAL_LIFTED = "your appeal of case {parent} was looked at again, and the decision is taken back."
TOLD_APPEAL_APOLOGISED = (
    "your appeal of case {parent} was looked at again: it was our mistake, and the decision is taken back. "
    "Thank you for telling us."
)
TOLD_REPORT_KEPT = "moderators looked at the picture you reported, and it stays."
TOLD_REPORT_ACTED = "moderators looked at the picture you reported and did something about it. Thank you."
APPEAL_NONE = "There is nothing to appeal in this one."
APPEAL_OPEN = "Your appeal of this one is being looked at. You get the answer by message, and in {/cases}."
APPEAL_MANY = "{limit} of your appeals are being looked at already. Wait for an answer first."
APPEAL_OVER = "This one was looked at twice, so it stays as it is."
REPORT_OWN = "This picture is yours. Delete takes it away."
REPORT_TWICE = "You reported this one already. The moderators have it."
REPORT_MANY = "You have reported a lot within an hour. Try again later, or write to a moderator."

# --- reports and sanctions -------------------------------------------------------------------------------------------
REPORT = "Tell the moderators about a picture"
REPORT_PICTURE = "A link to my message, or the job's number"
REPORT_REASON = "What is wrong with it; empty asks you"
REPORT_REASONS = {
    "rule": "Breaks a rule",
    "person": "A real person",
    "sexual": "Sexual",
    "violent": "Violent",
    "other": "Something else",
}
REPORT_RECEIVED = "The moderators have it. Nobody is told that it was you."
REPORT_HIDDEN = "The moderators have it, and the picture is hidden until they looked. Nobody is told that it was you."
PICTURE_NONE = "I know no picture of mine there that others can see. Nothing was changed."
PICTURE_WHICH = "Say which one: a link to my message, or the job's number from More…. Nothing was changed."
PICTURE_STUCK = "Discord did not let me take it away. Try again in a minute, or delete my message by hand."
MENU_REPORT = "Report picture"
MENU_DELETE = "Delete picture"
MENU_RECORD = "Member's record"
FORM_REPORT = "Report this picture"
FORM_REPORT_WHAT = "What is wrong?"
FORM_REPORT_MORE = "Tell us more"
FORM_REPORT_HINT = "The moderators read it, and not who wrote it."
MOD_WARN = "Warn a member; they must read it before their next picture"
MOD_WARN_REASON = "What they shall read"
MOD_TIMEOUT = "Pause a member for a while"
MOD_TIMEOUT_DURATION = "How long"
MOD_RECORD = "A member's record here, with every action at hand"
WARNED = "{member} reads your words before their next picture. Case {case}."
RECORD_HEADING = "### Record of {member}"
RECORD_PICTURES = "**Pictures here** {pictures} · **Warnings** {warnings} · **Pauses and blocks** {blocks}"
RECORD_HEAT = (
    "-# Heat {heat}: refusals raise it, and it halves every {hours} hours. A note comes at {note}, a pause at {pause}."
)
RECORD_FREE = "**Now** may use me"
RECORD_PAUSED = "**Now** paused until {until:f}.{reason}"
RECORD_BLOCKED = "**Now** blocked until lifted.{reason}"
RECORD_EVERYWHERE = "**Now** kept out everywhere by whoever runs me.{reason}"
RECORD_UNREAD = "-# Has a note to read first: case {case}."
RECORD_SPOILER = "-# All their pictures here are behind a spoiler."
RECORD_LINE = "{what} · {at:f} · by {actor} · case {case}{words}"
RECORD_WORDS = ' · "{words}"'
RECORD_OPEN = "🔎 {what} · open since {at:R} · case {case}"
RECORD_CLEAN = "Nothing was ever decided about them here."
RECORD_MORE = "-# and {n} earlier ones"
RECORD_MORE_ONE = "-# and one earlier one"
RECORD_NO_ACTIONS = "-# They are you, run me, or manage this server, so nothing is done to them from here."
RECORD_DECISIONS = {"warned": "⚠️ Warned", "paused": "⏸️ Paused", "blocked": "⛔ Blocked"}
RECORD_KINDS = {
    "held": "A picture held for review",
    "proposal": "A suggestion",
    "report": "A picture was reported",
    "refusal": "A refusal",
    "sanction": "A sanction",
    "appeal": "An appeal",
}
BUTTON_REPORT = "Report"
BUTTON_WARN = "Warn"
BUTTON_PAUSE = "Pause"
BUTTON_BLOCK = "Block"
BUTTON_SPOILER = "Always spoiler"
BUTTON_SPOILER_OFF = "No more spoiler"
BUTTON_LIFT = "Lift"
FORM_WARN = "Warn this member"
FORM_PAUSE = "Pause this member"
FORM_BLOCK = "Block this member"
FORM_WORDS = "Words to the member"
FORM_WORDS_HINT = "They read it, and it goes on record."
FORM_DURATION = "How long"
SPOILER_ORDERED = "From now on all pictures of {member} here are behind a spoiler."
SPOILER_ENDED = "Pictures of {member} here are no longer behind a spoiler by order."
OPERATOR = "For whoever runs me"
OPERATOR_BLOCK = "Keep somebody from using me anywhere"
OPERATOR_UNBLOCK = "Lift such a block"
OPERATOR_USER = "Whom"
OPERATOR_REASON = "They read it"
BLOCKED_EVERYWHERE = "{member} cannot use me anywhere until it is lifted.{reason} {/operator unblock} does that."
UNBLOCKED_EVERYWHERE = "{member} can use me again wherever no server keeps them out."
LOG_ME = "me"
LOG_MEMBER_WARNED = "⚠️ **Warned** {member} by {actor}.{reason} · {at:t}"
LOG_MEMBER_HIDDEN = "🙈 **Always spoiler** for {member} by {actor} · {at:t}"
LOG_MEMBER_SHOWN = "↩️ **No more spoiler** for {member} by {actor} · {at:t}"
LOG_PICTURE_HIDDEN = "🙈 **Hidden** a picture of job {job} · {at:t}"
LOG_PICTURE_REVEALED = "↩️ **Shown again** the picture of job {job} · {at:t}"

# --- the log ---------------------------------------------------------------------------------------------------------
LOG_SETTING_CHANGED = "⚙️ **Setting** {actor}: *{label}* {old} → {new} · {at:t}"
LOG_WORD_ADDED = "⚙️ **Rules** {actor}: {follows} {word} · {at:t}"
LOG_WORD_REMOVED = "⚙️ **Rules** {actor}: no longer {follows} {word} · {at:t}"
LOG_RULES_LOGGED = "📝 **Noted** {actor} in {channel}: {found}, job {job} · {at:t} · audit {id}{times}"
LOG_RULES_SLOW = "⚠️ The patterns of a server take too long on some prompts, which I refuse meanwhile: {server} · {at:t}"
LOG_FILTER_DOWN = (
    "⛔ My check of prompts did not refuse what it must, so I make nothing at all until it does. "
    "I try again every hour and at each start; look for a broken update · {at:t}"
)
LOG_FILTER_UP = "✅ My check of prompts refuses what it must again, and I go on · {at:t}"
RULE_FOLLOWS = {"refuse": "refuse", "review": "have a look at", "log": "note", "allowed": "allow"}
LOG_MEMBER_BLOCKED = "⛔ **Blocked** {member} by {actor} until {until:f}.{reason} · {at:t}"
LOG_MEMBER_BLOCKED_LASTING = "⛔ **Blocked** {member} by {actor} until lifted.{reason} · {at:t}"
LOG_MEMBER_UNBLOCKED = "↩️ **Unblocked** {member} by {actor} · {at:t}"
LOG_LIMITS_SET = "⚙️ **Limits** {actor}: {target} may {measures} · {at:t}"
LOG_LIMITS_CLEARED = "⚙️ **Limits** {actor}: {target} has no limit of their own any more · {at:t}"
LOG_MEMBER_GRANTED = "🎁 **Granted** {member} by {actor}: {amounts}.{reason} · {at:t}"
LOG_MEMBER_GRANTED_BACK = "↩️ **Granted no more** {member} by {actor}: {amounts} · {at:t}"
LOG_MEMBER_RESET = "🎁 **Counted from zero** {member} by {actor}.{reason} · {at:t}"
LOG_MEMBER_RESET_BACK = "↩️ **Counted as before** {member} by {actor} · {at:t}"
LOG_REFUSED = "🚫 **Refused{times}** {actor} in {channel}: {rule} · {at:t} · audit {id}"
LOG_PICTURE_DELETED = "🗑️ **Deleted** a picture of job {job} by {actor}.{reason} · {at:t}"
LOG_ACCOUNT_LOST = "⚠️ NovelAI's answer to job {job} was lost; {anlas} may have been paid for it · {at:t}"
LOG_ACCOUNT_DRIFT = "⚠️ {account}: after job {job} the balance was {anlas} lower than it should be · {at:t}"
LOG_ACCOUNT_DRIFT_UP = (
    "ℹ️ {account}: after job {job} the balance was {anlas} higher than counted. "
    "It was topped up, or something was not billed · {at:t}"
)
LOG_ACCOUNT_STOPPED = (
    "⛔ {account}: job {job} was free and cost Anlas, so I send nothing more to that NovelAI account. "
    "Look at its balance and plan; `naibot resume {account}` lets it work again · {at:t}"
)
LOG_ACCOUNT_REFUSED = (
    "⚠️ {account}: NovelAI does not take that account. Look at its token, subscription and Anlas; "
    "I look again by myself, and pictures wait or are drawn on another account · {at:t}"
)
TIMES = " ×{n}"
REFUSALS = {
    "place": "place",
    "place.none": "not set up",
    "place.unchecked": "pictures are not checked",
    "not.served": "not admitted",
    "direct.off": "direct message",
    "word": "word list",
    "word.hidden": "word list, disguised",
    "word.pattern": "word list, pattern",
    "word.slow": "word list, not checked in time",
    "review": "word list, for a moderator's look",
    "nsfw.asked": "not age-restricted",
    "nsfw.asked.only": "not age-restricted",
    "nsfw.weakened": "weakened undesired content",
    "nsfw.mixed": "weakened undesired content",
    "private.off": "private pictures",
    "age": "not age-restricted",
    "locked": "never made anywhere",
    "must.read": "note not read",
    "blocked.member": "blocked",
    "blocked.member.lasting": "blocked",
}

# --- audit and privacy ------------------------------------------------------------------------------------------------
AUDIT = "What was decided and changed here, newest first"
AUDIT_MEMBER = "By or about this member"
AUDIT_KIND = "Which lines; empty means all but the pictures"
AUDIT_SINCE = "How far back; empty means all"
AUDIT_TEXT = "Words that stand in the lines; with Pictures a job's number shows its steps"
AUDIT_KINDS = {
    "settings": "Settings",
    "rules": "Rules",
    "cases": "Cases",
    "sanctions": "Sanctions",
    "limits": "Limits",
    "pictures": "Pictures",
    "refusals": "Refusals",
}
AUDIT_SINCES = {"86400": "Day", "604800": "Week", "2592000": "Month", "0": "All"}
AUDIT_HEADING = "### Audit{asked}"
AUDIT_ASKED_SINCE = "since {since:f}"
AUDIT_NONE = "Nothing here fits that."
AUDIT_LOOKED = "-# I looked through {n} lines; [Older] goes on from there."
AUDIT_FILED = "The newest {n} lines, newest first:"
AUDIT_FILED_ONE = "The one line:"
AUDIT_GONE = "These pages are too old to be turned. Ask again with {/audit}."
BUTTON_OLDER = "Older"
BUTTON_NEWER = "Newer"
BUTTON_FILE = "As a file"
LOG_CASE_OPENED = "🔎 **Case {case}** {about}, {member} in {channel}: {why}{of_job} · {at:t}"
LOG_CASE_CLOSED = "🔎 **Case {case}** {about}, {member}: {decision} by {actor}{for_what}{of_job}.{words} · {at:t}"
LOG_CASE_DECIDED = "⚖️ **Case {case}** {about}, {member}: {decision} by {actor}{of_job}.{words} · {at:t}"
LOG_CASE_ENDED = "⚖️ **Case {case}** {about}, {member}: {decision}{of_job} · {at:t}"
LOG_CASE_LOOKED = "👁️ **Looked** {actor} at the picture of case {case}, of {member}{of_job} · {at:t}"
LOG_CASE_READ = "☑️ **Read** {actor} the note of case {case} · {at:t}"
LOG_GUILD_ADMITTED = "✅ **Admitted** this server by {actor} · {at:t}"
LOG_GUILD_LEFT = "🚪 **Left** this server; it is forgotten after 30 days · {at:t}"
LOG_JOB_SETTLED = "🖼️ **Job {job}** of {actor} {end} · charged {charged} · {at:t}"
LOG_STEP = "🖼️ **Job {job}** of {actor}: {step} · {at:t}"
LOG_OTHER = "**{kind}** {actor} · {at:t}"
LOG_FOR_WHAT = " ({why})"
LOG_OF_JOB = ", job {job}"
LOG_SOME = "{some} and {n} more"
CHARGED_LATER = "when it is decided"
LOG_CASES = {
    "held": "held picture",
    "proposal": "suggestion",
    "report": "report",
    "refusal": "refusal",
    "sanction": "sanction",
    "appeal": "appeal",
}
LOG_WHY = {
    "rating": "what the picture shows",
    "minor": "words for minors, and what the picture shows",
    "unrated": "the picture could not be checked",
    "locked": "never made anywhere",
    "word": "word list",
    "word.hidden": "word list, disguised",
    "heat": "many refusals",
    "moderator": "by a moderator",
    "operator": "by whoever runs me",
    "approval": "waits for a yes",
    "rule": "breaks a rule",
    "person": "a real person",
    "sexual": "sexual",
    "violent": "violent",
    "other": "something else",
}
JOB_ENDS = {
    "DONE": "was drawn",
    "HELD": "is held for a look",
    "BLOCKED": "was not allowed",
    "FAILED": "did not work",
    "CANCELLED": "was taken back",
}
JOB_STEPS = {
    "proposed": "suggested",
    "admitted": "taken in",
    "claimed": "begun",
    "sent": "sent to NovelAI",
    "handed_back": "put back into the line",
    "recovered": "put back after a restart",
    "shown": "shown",
    "kept": "put into the inbox",
    "collected": "collected",
    "lapsed": "given back, because nobody saw it",
}
LOG_NEEDED = (
    "Age-restricted use needs a log channel first, where I write what was decided. Choose one, then turn it on. "
    "Nothing was changed."
)
LOG_KEPT = (
    "Age-restricted use needs the log channel. Choose another one, or turn age-restricted use off first. "
    "Nothing was changed."
)
BUTTON_LOG_CHANNEL = "Choose log channel"
SETUP_REVIEW_SAFE = "-# {channel} is not age-restricted: held pictures can only be discarded there, not looked at."
PRIVACY = "What I keep about you, and how to have it"
PRIVACY_SHOW = "What I keep about you"
PRIVACY_EXPORT = "Everything I keep about you, as a file"
PRIVACY_DELETE = "Erase what I keep about you"
PRIVACY_HEADING = "### What I keep about you, over all servers"
PRIVACY_REQUESTS = "**Requests with their prompts** {requests}, each for {days} days"
PRIVACY_JOBS = (
    "**In the ledger** {jobs}: ids, amounts and times of every request; they stay, the accounts are their sum"
)
PRIVACY_PICTURES = "**Pictures** {pictures}, until an hour after they were shown · **images you gave** {images}"
PRIVACY_INBOX = "**In your inbox** {inbox}, for a week · **questions to you** {drafts}, for 15 minutes"
PRIVACY_CASES = "**Cases about you** {cases} · **your reports** {reports}"
PRIVACY_GIVEN = "**Limits of your own** {limits} · **blocks** {blocks}"
PRIVACY_LINES = "**In the audit** {lines}: what you changed or was decided about you, never prompts"
PRIVACY_NOTE = (
    "-# Discord keeps what I posted; Delete under a picture takes it away. NovelAI is sent prompts, and never who "
    "asked. Whoever runs me keeps backups for a while."
)
PRIVACY_EXPORTED = "Everything I keep about you; the pictures are where I posted them:"
PRIVACY_EXPORTED_PART = (
    "Everything I keep about you, but for {n} of the oldest requests, for which the file has no room:"
)
PRIVACY_ASK = (
    "This erases your prompts and requests, the images you gave, pictures and your inbox, questions, roles, and what "
    "you wrote in reports. What waits is taken back, and what you never saw is not charged.\n"
    "It keeps ids, amounts and times, where others see pictures of yours, limits and blocks, a number that says how "
    "often I refused you lately, cases that are open or whose block stands, and notes you have still to read. It "
    "cannot be undone."
)
PRIVACY_DONE = "Erased.{taken} Numbers, blocks and what is still open stay; {/privacy show} says how much that is."
PRIVACY_TAKEN = " {n} waiting pictures were taken back."
PRIVACY_TAKEN_ONE = " 1 waiting picture was taken back."
PRIVACY_DRAWING = "{n} of yours are being drawn just now and stay. Ask again once they have come."
PRIVACY_DRAWING_ONE = "One of yours is being drawn just now and stays. Ask again once it has come."
PRIVACY_KEPT = "Nothing was erased."
BUTTON_PRIVACY = "Privacy"
BUTTON_EXPORT = "As a file"
BUTTON_ERASE = "Erase"
BUTTON_FORGET = "Yes, erase it"

# --- quota, queue, help ----------------------------------------------------------------------------------------------
QUOTA = "What you have used, what is left, and when it comes back"
QUOTA_MEMBER = "Somebody else (moderators)"
QUOTA_HEADING = "### Your pictures"
QUOTA_HEADING_MEMBER = "### Pictures of {member}"
QUOTA_TODAY = "**Today** {used} of {limit} {bar} · {left} left · back to {limit} {reset:R}"
QUOTA_TODAY_UNLIMITED = "**Today** {used} · no limit"
QUOTA_THIS_WEEK = "**This week** {used} of {limit} · {left} left · back to {limit} {reset:R}"
QUOTA_QUICK = "**Quick today** {left} left of {limit}; after that the relaxed lane, which is slower"
QUOTA_ANLAS_LEFT = "{anlas} · {left} left · back to {limit} {reset:R}"
QUOTA_ANLAS_WEEK = "**Anlas this week** {used} of {limit} · {left} left · back to {limit} {reset:R}"
QUOTA_RESERVED = "-# {anlas} of these are reserved for what is being made."
QUOTA_TIGHTER = "-# {whose} {left} {what} left {window}; whole again {reset:R}."
QUOTA_TIGHTER_WHOSE = {
    "guild": "This server has",
    "house.guild": "This server has",
    "house.member": "Over all servers you have",
    "house": "I have for everybody",
}
QUOTA_TIGHTER_WHAT = {"pictures": "pictures", "anlas": "Anlas"}
QUOTA_FROM = {
    "guild": "Your limits are those of everybody here.",
    "house": "Your limits here come from whoever runs me.",
}
QUOTA_FROM_MEMBER = "{measures}: given to you."
QUOTA_FROM_ROLE = "{measures}: from {role}, the highest of your roles."
QUOTA_FROM_OTHERS = "The rest is what everybody has."
QUOTA_MAKING_ONE = "-# 1 of these is being made."
QUOTA_MAKING = "-# {n} of these are being made."
QUOTA_ANLAS_TODAY = "**Anlas today** {used} of {limit}"
QUOTA_ANLAS_UNLIMITED = "**Anlas today** {used} · no limit"
QUOTA_ANLAS_NEVER = "**Anlas today** {used}: this server never spends Anlas"
QUOTA_ANLAS_HOUSE = "**Anlas today** {used}: whoever runs me never spends Anlas"
QUOTA_ANLAS_DIRECT = "**Anlas today** {used}: I spend none in direct messages"
QUOTA_NOW = "**Now** {running} drawing, {waiting} of {limit} waiting"
QUOTA_NOTE = "Failed, refused and withdrawn pictures never count."
BUTTON_QUEUE = "My queue"
QUEUE = "Your waiting pictures: place, start, price"
QUEUE_EVERYONE = "The whole line here, without prompts (moderators)"
QUEUE_HEADING = "### Your waiting pictures"
QUEUE_HEADING_EVERYONE = "### Everybody's waiting pictures here"
QUEUE_LINE = "{what} · {ordinal} in line · {eta:R} · {price}"
QUEUE_LINE_DRAWING = "{what} · being drawn · {price}"
QUEUE_JOB = "{member} · job {job}"
QUEUE_EMPTY = "You have nothing waiting."
QUEUE_EMPTY_EVERYONE = "Nobody here has anything waiting."
QUEUE_MORE = "-# and more"
QUEUE_EVERYBODY = "-# Everybody: {n} waiting, about {seconds} s."
QUEUE_EVERYBODY_NONE = "-# Nobody is waiting."
CANCEL = "Take back a waiting picture; it costs nothing"
CANCEL_JOB = "Which one; empty takes the newest"
CANCEL_ALL = "All of mine"
CANCEL_CHOICE = "Job {job} · {prompt}"
HELP = "What I do, what you may use here, where to begin"
HELP_HEADING = "### I draw with NovelAI and read what images say of themselves"
HELP_OPEN = "I draw here. You have {left} left {window}."
HELP_OPEN_UNLIMITED = "I draw here."
HELP_SAFE = "Pictures are kept safe here."
HELP_ADULT = "This channel may have age-restricted pictures."
HELP_COMMANDS = (
    "{/generate} draws: type what you want to see\n{/inspect} reads an image and checks NovelAI's signature\n"
    "{/quota} says what you have used and what is left\n{/queue} shows what you wait for\n"
    "{/cancel} takes a waiting picture back\n{/inbox} has what I could not show you"
)
HELP_ADMIN = "{/config} sets me up · {/rules list} holds the words this server refuses"
HELP_FILES = "-# Files carry their prompt; anyone who downloads one can read it."
HELP_OPERATOR = "-# {operator} runs this bot."
BUTTON_EDIT_RESEND = "Edit and resend"
FORM_EDIT = "Edit and draw again"
FORM_EDIT_PROMPT = "Prompt"
FORM_EDIT_UNDESIRED = "Undesired content"

# --- the inbox -------------------------------------------------------------------------------------------------------
INBOX = "Collect pictures that could not be shown to you"
INBOX_HEADING = "### Waiting for you"
INBOX_LINE = "{what} · {at:f} · kept until {until:R}"
INBOX_LINE_ENDED = "{what} · no picture · {at:f} · kept until {until:R}"
INBOX_EMPTY = "Nothing is waiting. Pictures land here when I cannot post them."
INBOX_MORE = "-# and {n} more"
INBOX_NOTE = "-# What is not collected by then is given back to you: nothing is charged for it."
INBOX_GONE = "Nothing of yours waits under this button any more. {/inbox} shows what does."
INBOX_AGE = "That one is for age-restricted channels. Collect it in one, or in our direct messages."
INBOX_KEPT = "I could not show this one here, so it waits in {/inbox} for 7 days."

# --- labels ----------------------------------------------------------------------------------------------------------
BUTTON_CANCEL = "Cancel"
BUTTON_REROLL = "Reroll"
BUTTON_MORE = "More…"
BUTTON_DELETE = "Delete"
BUTTON_RETRY = "Try again"
BUTTON_DISMISS = "Dismiss"
BUTTON_SPEND = "Spend {price}"
BUTTON_FREE = "Free at {size}"
BUTTON_FREE_STEPS = "Free at {steps} steps"
BUTTON_NOT_NOW = "Not now"
BUTTON_AGAIN = "Make it again"
BUTTON_INSPECT = "Inspect the file"
BUTTON_COPY = "Copy command"
BUTTON_SEND = "Send me a copy"
BUTTON_COPY_PROMPT = "Copy prompt"
BUTTON_SHARE = "Show to everyone"
BUTTON_INBOX = "Inbox"
BUTTON_INBOX_N = "Inbox ({n})"
BUTTON_COLLECT = "Collect"
BUTTON_COLLECT_ALL = "Collect all"
FORM_DELETE = "Delete this picture"
FORM_DELETE_REASON = "Reason"
FORM_DELETE_HINT = "It goes on record; the member does not see it."
MENU_INSPECT = "Inspect image"

OPTION_LABELS = {
    "prompt": "the prompt",
    "size": "the size",
    "model": "the model",
    "undesired_content": "undesired content",
    "seed": "the seed",
    "steps": "steps",
    "cfg_scale": "Prompt Guidance",
    "sampler": "sampler",
    "quality_tags": "quality tags",
    "uc_preset": "undesired content preset",
    "rescale": "Prompt Guidance Rescale",
    "noise_schedule": "noise schedule",
    "smea": "SMEA",
    "decrisper": "Decrisper",
    "variety": "Variety+",
    "samples": "the number of pictures",
    "characters": "characters",
    "free_positions": "free positions",
    "position": "a position",
    "transparent": "transparent background",
    "inpaint": "inpainting",
    "inpaint_strength": "a strength for inpainting",
    "strength": "strength",
    "noise": "noise",
    "vibes": "vibes",
    "vibe_encoding": "encoded vibes",
    "references": "precise references",
    "reference_strength": "reference strength",
    "information_extracted": "information extracted",
    "fidelity": "fidelity",
    "defry": "defry",
}
MODELS = {
    "nai-diffusion-3": "NovelAI Diffusion V3",
    "nai-diffusion-furry-3": "NovelAI Diffusion Furry V3",
    "nai-diffusion-4-curated-preview": "NovelAI Diffusion V4 Curated",
    "nai-diffusion-4-full": "NovelAI Diffusion V4 Full",
    "nai-diffusion-4-5-curated": "NovelAI Diffusion V4.5 Curated",
    "nai-diffusion-4-5-full": "NovelAI Diffusion V4.5 Full",
    "nai-diffusion-5-curated": "NovelAI Diffusion V5 Curated",
    "nai-diffusion-5-full": "NovelAI Diffusion V5 Full",
    "nai-diffusion-5-full-medium": "NovelAI Diffusion V5 Full, Medium",
}
SAMPLERS = {
    "k_euler_ancestral": "Euler Ancestral",
    "k_euler": "Euler",
    "k_dpmpp_2s_ancestral": "DPM++ 2S Ancestral",
    "k_dpmpp_2m_sde": "DPM++ 2M SDE",
    "k_dpmpp_2m": "DPM++ 2M",
    "k_dpmpp_sde": "DPM++ SDE",
    "ddim_v3": "DDIM",
}
NOISE_SCHEDULES = {
    "native": "Native",
    "karras": "Karras",
    "exponential": "Exponential",
    "polyexponential": "Polyexponential",
}
UC_PRESETS = {
    "heavy": "Heavy",
    "light": "Light",
    "humanFocus": "Human Focus",
    "furryFocus": "Furry Focus",
    "none": "None",
}
SMEAS = {"off": "Off", "smea": "SMEA", "smea_dyn": "SMEA DYN"}

# --- /generate -------------------------------------------------------------------------------------------------------
GENERATE = "Draw a picture with NovelAI"
GENERATE_PROMPT = "What to draw, as tags or a sentence"
GENERATE_SIZE = "Preset or WIDTHxHEIGHT; the list says which are free"
GENERATE_MODEL = "NovelAI model; empty takes this server's default"
GENERATE_UNDESIRED_CONTENT = "What to keep out; added after the preset"
GENERATE_SEED = "Same seed, same settings, same picture; empty draws one"
GENERATE_STEPS = "Drawing steps; more than 28 is never free"
GENERATE_CFG_SCALE = "Prompt Guidance: how closely to follow the prompt"
GENERATE_SAMPLER = "How noise becomes a picture; the default is a good one"
GENERATE_CHARACTERS = "V4 and later: girl, red hair @B3 // hat | boy, tall"
GENERATE_QUALITY_TAGS = "Add the model's quality tags"
GENERATE_UC_PRESET = "Ready-made undesired content"
GENERATE_SPOILER = "Hide the picture behind a spoiler"
GENERATE_PRIVATE = "Only you see the picture"
GENERATE_SAMPLES = "Pictures at once; only the first can be free"
GENERATE_RESCALE = "Prompt Guidance Rescale: tames strong guidance"
GENERATE_NOISE_SCHEDULE = "How noise falls from step to step"
GENERATE_SMEA = "V3: for large sizes"
GENERATE_DECRISPER = "V3: softens what strong guidance burns in"
GENERATE_VARIETY = "Variety+: looser, more varied compositions"
GENERATE_TRANSPARENT = "V5: transparent background"
SIZE_FREE = "{name} {size} · free"
SIZE_PAID = "{name} {size} · {price}"
SIZE_NEVER = "{name} {size} · not here (never spends)"

# --- More… -----------------------------------------------------------------------------------------------------------
MORE_HEADING = "### Job {job} · {member} · {at:R}"
MORE_PROMPT = "**Prompt**\n{prompt}"
MORE_CHARACTER = "**Character {n}**{place} {prompt}"
MORE_CHARACTER_AT = " at {place}"
MORE_CHARACTERS_CUT = "-# and {n} more characters"
MORE_CHARACTERS_CUT_ONE = "-# and one more character"
MORE_UNDESIRED = "**Undesired content, as sent**\n{undesired_content}"
MORE_SETTINGS = (
    "{model} · {size} · seed {seed} · {steps} steps · {sampler}, {noise_schedule} · Prompt Guidance {cfg_scale}{extras}"
)
MORE_TIMES = "-# waited {waited} s, drawn in {drawn} s"
COPY_COMMAND = "The whole command, to paste:"

# --- /inspect --------------------------------------------------------------------------------------------------------
INSPECT = "Read what an image says of itself and check NovelAI's signature"
INSPECT_IMAGE = "PNG, JPEG, WebP or GIF, up to 25 MiB"
INSPECT_MORE_IMAGES = "One more image for the same card"
INSPECT_SHARE = "Show the answer to everyone here"
VERDICT_SIGNED = "✅ Signed by NovelAI, unchanged"
VERDICT_SIGNED_LINE = (
    "NovelAI's key signed exactly these pixels with these settings. It does not say who made it, or when."
)
VERDICT_SIGNED_STANDIN = "✅ Signed by the stand-in, unchanged"
VERDICT_SIGNED_STANDIN_LINE = "This proves nothing outside the practice room."
VERDICT_UNCHECKED = "❔ Signed once; I cannot check it here"
VERDICT_UNCHECKED_LINE = "The text can be read; the pixels are not (all) there to compare."
VERDICT_ALTERED = "✏️ Changed after NovelAI signed it"
VERDICT_ALTERED_LINE = (
    "Pixels or settings differ from what was signed: an edit, a crop, a resize or a lossy copy. "
    "The settings below may not be true."
)
VERDICT_UNSIGNED = "⚪ NovelAI settings, not signed"
VERDICT_UNSIGNED_LINE = "Anyone can write such text. Older models and director tools never sign."
VERDICT_OTHER = "🧭 Says it was made with {generator}"
VERDICT_OTHER_LINE = "This text is not signed, so nobody can check it."
VERDICT_CREDENTIALS = "🧭 Carries Content Credentials"
VERDICT_CREDENTIALS_LINE = "It carries Content Credentials; I do not check those."
VERDICT_NONE = "❔ Nothing found"
VERDICT_NONE_LINE = "Most sites and phones remove it. It does not mean that the image is, or is not, AI-made."
VERDICT_ERROR = "⚠️ Cannot be read"
NOTE_RECOVERED = "♻️ The text was stripped; this comes from the alpha channel."
NOTE_DISAGREE_UNSIGNED = "⚠️ The file carries several settings that contradict each other; none of them is signed."
NOTE_DISAGREE = "⚠️ The file also carries other, unsigned settings; only the signed ones are shown."
NOTE_FIELDS_ADDED_ONE = "{n} field was added after signing and is not shown; the signature covers all that is."
NOTE_FIELDS_ADDED = "{n} fields were added after signing and are not shown; the signature covers all that is."
NOTE_DAMAGED = "The pixels are damaged, so the signature cannot be checked."
NOTE_PREVIEW = "This is Discord's preview; open the original and try again."
NOTE_FRAMES = "Only the first frame was read. What the others show, no signature covers."
NOTE_APPEARANCE = "Transparency or a colour profile changes how it looks; the signature does not cover that."
MODEL_NOT_SIGNED = "(the model's name is not part of the signature)"
CARRIERS = {
    "png_text": "PNG text",
    "exif": "EXIF",
    "xmp": "XMP",
    "alpha": "alpha channel",
    "rgb": "colour channels",
    "comment": "JPEG comment",
    "c2pa": "Content Credentials",
}
SIGNATURES = {"valid": "valid", "invalid": "does not match", "absent": "not signed", "unchecked": "not checked"}
INSPECT_PROMPT = "**Prompt**\n{prompt}"
INSPECT_UNDESIRED = "**Undesired content**\n{undesired_content}"
INSPECT_CHARACTER = "**Character {n}**{place}\n{prompt}"
INSPECT_CHARACTER_UNDESIRED = "**Undesired for {n}**\n{undesired_content}"
INSPECT_MORE_CHARACTERS_ONE = "-# One more character is in the file."
INSPECT_MORE_CHARACTERS = "-# {n} more characters are in the file."
INSPECT_WHOLE = "-# The whole texts are in the file."
KINDS = {
    "PromptGenerateRequest": "text to image",
    "Img2ImgRequest": "image to image",
    "NativeInfillingRequest": "inpaint",
    "bg-removal": "Remove Background",
    "lineart": "Line Art",
    "sketch": "Sketch",
    "colorize": "Colorize",
    "emotion": "Emotion",
    "declutter": "Declutter",
    "upscale": "upscale",
}
SETTING_WORDS = {
    "scale": "Prompt Guidance",
    "cfg_rescale": "rescale",
    "reference_strength_multiple": "vibe transfer",
    "director_reference_strengths": "precise reference",
    "sm": "SMEA",
    "sm_dyn": "SMEA DYN",
    "dynamic_thresholding": "Decrisper",
}
SETTING_STEPS = "{value} steps"
SETTING_VARIETY = "Variety+"
SHELL_PROMPT = "Prompt"
SHELL_UNDESIRED = "Undesired content"
SHELL_CHARACTER = "Character {n}{place}"
COPY_TEXT = "The picture of job {job}, as you asked."
COPY_SENT = "Sent: look at our direct messages."
COPY_PART = "Sent what fits into a direct message; the rest is too large and stays here."
COPY_LARGE = "Its file is too large for a direct message. Open the picture here to save it."
COPY_CLOSED = (
    "Discord did not let me write to you. Allow direct messages from this server's members in its privacy settings, "
    "and press again."
)
COPY_DELETED = "That picture was deleted, so I send no copies of it."
COPY_GONE = "I do not have that file any more. If you still see the picture, open it to save it."
COPY_AGE = "Pictures of age-restricted channels stay there: only {author} is sent this one."
SHARED = "Everyone can see it now."
SHARE_REFUSED = "Its text does not fit the rules of this place, so only you can see this."
NO_PROMPT = "It holds no prompt."
INSPECT_HEADING = "### Image {n} of {count} · {name}"
INSPECT_SITES = (
    "-# Discord's original PNGs and Pixiv's originals keep it. X, Imgur, boorus and 4chan drop the text and often keep "
    "the alpha channel; previews, screenshots and JPEG copies keep nothing."
)
INSPECT_CHARACTERS = "**Characters**"
BUTTON_USE = "Use these settings"
BUTTON_OPEN_FORM = "Open the form"
BUTTON_OPEN_AGAIN = "Open again"
BUTTON_RESTORED = "Restored file"
FORM_USE = "Use these settings"
FORM_SIZE = "Size"
FORM_CHARACTERS = "Characters"
FORM_CHARACTERS_HINT = "One a line; @B3 is a place, // comes before what that character shall not have"
FORM_SEED = "Seed"
FORM_SEED_HINT = "Empty draws a new one"
FORM_NUMBERS = "Steps / Prompt Guidance"
USE_SLOW = "Discord took its time. The form is ready now."
USE_ALL = "Everything is carried over. {Price}. {model}, {size}."
USE_LEFT = "Not carried over: {parts}. {Price}. {model}, {size}."
USE_MORE = "{n} more"
LEFT = {
    "model": "model",
    "source": "the image it began with",
    "vibes": "{n} vibes",
    "vibes.one": "1 vibe",
    "references": "{n} references",
    "references.one": "1 reference",
    "characters": "{n} characters",
    "characters.one": "1 character",
    "extras": "{n} LoRAs",
    "extras.one": "1 LoRA",
    "weights": "weights (as text)",
    "upscale": "the upscaling",
    "places": "places",
    "size": "exact size",
    "sampler": "sampler",
    "noise_schedule": "noise schedule",
    "smea": "SMEA",
    "decrisper": "Decrisper",
    "variety": "Variety+",
    "rescale": "rescale",
    "steps": "steps",
    "cfg_scale": "Prompt Guidance",
    "seed": "seed",
    "undesired_content": "undesired content",
    "prompt.end": "the prompt's end",
    "undesired_content.end": "the undesired content's end",
}
"""What of an image's settings is not carried over, most telling first."""
SEED_UNKNOWN = "A seed is a whole number from 1 to 4294967295, or nothing for a new one. Nothing was made."
NUMBERS_UNKNOWN = "Write steps and Prompt Guidance as 28 / 5. Nothing was made."
RESTORED = (
    "The same pixels, with the text written back as PNG chunks. Its text and signature read as they did in the "
    "alpha channel."
)
RESTORE_NONE = "I could not write the text back without changing what it says, so I left it alone."
RESTORE_GONE = "I cannot fetch that image any more. Inspect it again, and the file can be had for a while."
RESTORE_LARGE = "The restored file is {size}, more than Discord takes here."

# --- /compare --------------------------------------------------------------------------------------------------------
COMPARE = "Two images' settings side by side, with the differences"
COMPARE_WHICH = ("First", "Second")
COMPARE_IMAGE = "{which} image: {why}"
COMPARE_HEADING = "### {which} · {name}"
COMPARE_SILENT = "The {which} image says nothing of itself, so all there is counts as a difference."
COMPARE_SILENT_BOTH = "Neither image says anything of itself; only their sizes can be compared."
COMPARE_SETTING = "**{label}**  {old} → {new}"
COMPARE_UNSET = "–"
COMPARE_PROMPT = "**Prompt**"
COMPARE_UNDESIRED = "**Undesired content**"
COMPARE_CHARACTER = "**Character {n}**{what}"
COMPARE_CHARACTER_UNDESIRED = "**Undesired for {n}**"
COMPARE_ONLY_FIRST = " · only in the first"
COMPARE_ONLY_SECOND = " · only in the second"
COMPARE_MOVED = " · {old} → {new}"
COMPARE_REORDERED = "-# What both have stands in another order."
COMPARE_REWRITTEN = "-# The same tags and weights, written differently."
COMPARE_LONG = "-# Both are too long to say in what they differ."
COMPARE_SAME = "Same: {n} settings"
COMPARE_SAME_ONE = "Same: one setting"
COMPARE_SAME_NONE = "Nothing is the same."
COMPARE_EQUAL = "Nothing differs."
COMPARE_WHOLE = "-# Not all of it fits here. Every difference is in the file."
COMPARE_LABELS = {
    "size": "Size",
    "generator": "Made with",
    "model": "Model",
    "request_type": "Kind",
    "req_type": "Kind",
    "seed": "Seed",
    "steps": "Steps",
    "sampler": "Sampler",
    "noise_schedule": "Noise schedule",
    "scale": "Prompt Guidance",
    "cfg_rescale": "Prompt Guidance Rescale",
    "strength": "Strength",
    "noise": "Noise",
    "sm": "SMEA",
    "sm_dyn": "SMEA DYN",
    "dynamic_thresholding": "Decrisper",
    "skip_cfg_above_sigma": "Variety+",
    "reference_strength_multiple": "Vibe transfer",
    "director_reference_strengths": "Precise reference",
}

# --- auto-inspect ----------------------------------------------------------------------------------------------------
AUTO_INSPECT = "🔎"
AUTO_INSPECT_FROM = "-# From {link}"

# --- alt text --------------------------------------------------------------------------------------------------------
ALT_PICTURE = "AI picture: {prompt}"
ALT_HIDDEN = "AI picture, hidden"

# --- the shell -------------------------------------------------------------------------------------------------------
SETTINGS_MISSING = "{name} is missing. Set it, or point {name}_FILE at a file that holds it."
SETTINGS_BOTH = "{name} and {name}_FILE are both set. Keep one of them."
SETTINGS_FILE = "{name} points at {path}, which cannot be read."
SETTINGS_LETTERS = "{name} holds characters that no token has. Copy it anew, into a plain text file."
SETTINGS_ONE = "{name} holds more than one token. Keep one."
SETTINGS_NUMBER = "{name} must be a whole number from {low} to {high}."
SETTINGS_SWITCH = "{name} must be on or off."
SETTINGS_ID = "{name} must be one id of Discord's, in digits."
SETTINGS_IDS = "{name} must be ids of Discord, with commas between them."
SETTINGS_CHOICE = "{name} must be one of: {choices}."
SETTINGS_ADDRESS = "{name} must be {default} or an address of this machine."
SETTINGS_MIXED = (
    "{name} does not fit {address}: the practice token goes with the practice room, a real one with Discord."
)
SETTINGS_LOOPBACK = "{name} works only with the practice room."
SETTINGS_DATABASE = "{name} must be the address of a PostgreSQL database: postgresql://user:password@host:5432/name"
SETTINGS_SHARDS = "{name} must be numbers from 0 to {last}, with commas or spans between them, such as 0-3,8."
SETTINGS_ALONE = "SHARD_IDS leaves shards to other processes, and those share a database. Set DATABASE_URL."
STORE_AWAY = "The database that DATABASE_URL names cannot be used: {why}."
STORE_DRIVER = "DATABASE_URL needs asyncpg, which is not installed: pip install 'naibot[postgres]'"
STORE_LOCKED = "Another Naibot uses this data folder. Stop it first, or choose another folder with --data."
STORE_NEWER = "The data folder was written by a newer Naibot. Install that version, or restore a backup."
STORE_TAMPERED = (
    "A migration that was applied to the data folder differs from this program's. Install the version that wrote it."
)
STORE_MISSING = "There is no database in this data folder."
STORE_STOPPED = "The data folder cannot be used: {why}."
CHECK_FOLDER_CLOSED = "The data folder {path} cannot be written to. Give it to the user that runs the bot."
CHECK_FINE = "✓"
CHECK_HINT = "·"
CHECK_PROBLEM = "✗"
CHECK_AWAY = "?"
CHECK_SETTINGS_OK = "The settings can be used."
CHECK_DISCORD_FORM = "DISCORD_TOKEN does not look like a bot token: three parts with dots between them. Copy it anew."
CHECK_NOVELAI_FORM = (
    "A NovelAI token does not begin with pst-. Make a persistent API token in the account settings: others expire."
)
CHECK_NOVELAI_TWICE = "The same NovelAI token is in NOVELAI_TOKENS twice. Keep it once."
CHECK_MODE_FILE = "{path} holds a secret, and others on this machine can read it. chmod 600 {path}"
CHECK_MODE_FOLDER = "The data folder {path} holds people's prompts, and others can read it. chmod 700 {path}"
CHECK_DATABASE_NEW = "The database of DATABASE_URL is empty; the first start fills it."
CHECK_FOLDER_NEW = "There is no database in {path} yet; the first start makes one."
CHECK_DISK_OK = "{free} free for the data folder."
CHECK_DISK_LOW = "Only {free} free for the data folder. Make room: below {least} jobs may be lost to a full disk."
CHECK_LEDGER_OK = "The ledger adds up: {jobs} jobs, {members} members."
CHECK_LEDGER_BAD = "The ledger does not add up. {n} differences:"
CHECK_CLOCK_OK = "The clock agrees with Discord's to {seconds} s."
CHECK_CLOCK_OFF = "The clock is {seconds} s off Discord's. Turn on time synchronisation: quotas and limits go by it."
CHECK_CLOCK_BACK = "The clock stands {hours} h before the last thing on record. Set it right before you start."
CHECK_DISCORD_OK = "Discord: logged in as {name} ({id})."
CHECK_DISCORD_AWAY = "Discord cannot be reached, so its token and permissions were not checked."
CHECK_DISCORD_ENDPOINT = (
    "The application has an Interactions Endpoint URL, so nothing arrives here. Empty it in the developer portal."
)
CHECK_INTENT = (
    "MESSAGE_CONTENT is on, and the application has not the intent. Turn on Bot → Message Content Intent in the "
    "developer portal, or set MESSAGE_CONTENT=off; until then Discord does not let the bot connect."
)
CHECK_IDENTIFIES_LOW = "Discord lets the bot connect only {n} more times until {until}. Do not restart it often."
CHECK_GUILDS_NONE = "It is in no server yet. Invite it: {link}"
CHECK_GUILD_OK = "{server}: it can draw in {channels}."
CHECK_GUILD_CLOSED = "{server}: not set up yet. An admin opens /config there."
CHECK_GUILD_STRANGE = "{server}: not admitted. Name it in GUILDS, or answer the bot's question."
CHECK_GUILD_GONE = "Server {id} has settings here, but the bot is not in it any more."
CHECK_CHANNEL_LACKS = "{server}, {channel}: it lacks {permissions}. Give it those there."
CHECK_CHANNEL_GONE = "{server}: a channel that was chosen is gone. An admin picks another in /config."
CHECK_GUILD_UNREAD = "{server}: its channels could not be read."
CHECK_INVITE = "To invite it: {link}"
CHECK_ACCOUNT_OK = "NovelAI account {n} ({account}): {tier}, {anlas} Anlas, small pictures are free."
CHECK_ACCOUNT_PAID = "NovelAI account {n} ({account}): {tier}, {anlas} Anlas, nothing is free."
CHECK_ACCOUNT_ENDED = "NovelAI account {n} ({account}): its subscription has ended, {anlas} Anlas."
CHECK_ACCOUNT_REFUSED = "NovelAI does not take token {n}. Make a new persistent API token in the account settings."
CHECK_ACCOUNT_STOPPED = (
    "NovelAI account {account} is stopped: its balance fell after a picture that should have been free, so nothing is "
    "sent to it. Look at its plan and balance on NovelAI's site, then: naibot resume {account}"
)
RESUMED = "{account} works again; a running bot sends to it within a minute."
RESUMED_NOT = "No account of that name is stopped: {account}. `naibot check` names those that are."
CHECK_ACCOUNT_AWAY = "NovelAI did not answer for account {n}, so it was not checked."
CHECK_NOBODY = (
    "Nobody could draw anything: no account draws for free, and NEVER_SPEND is on. "
    "Use an Opus account, or set NEVER_SPEND=off and give members an allowance in /config."
)
CHECK_CLASSIFIER_NONE = (
    "Pictures are not checked by a classifier. Servers accept that when they are set up; "
    "`naibot classifier status` says how to get one."
)
CHECK_CLASSIFIER_OK = "Pictures are checked by a classifier: its weights are sound and numpy is installed."
CLASSIFIER_NONE = (
    "There are no weights here, so pictures are not checked. To have them checked: npm pack nsfwjs@4.4.0, then "
    "naibot classifier import nsfwjs-4.4.0.tgz"
)
CLASSIFIER_IMPORTED = "The weights are in {path}. Pictures are checked from the next start on."
CLASSIFIER_NUMPY = "The classifier needs numpy, which is not installed: pip install 'naibot[classifier]'"
CLASSIFIER_MISSING = "There is no file {path}. Nothing was imported."
CLASSIFIER_FOREIGN = (
    "{path} is not nsfwjs 4.4.0 as it was published. Nothing was imported. To get that: npm pack nsfwjs@4.4.0"
)
CLASSIFIER_DAMAGED = "{path} is damaged. Import the weights again, or delete it: then pictures are not checked."
CLASSIFIER_CLOSED = "{path} cannot be used: {why}."
CHECK_OFFLINE = "Neither Discord nor NovelAI was asked."
CHECK_ALL_FINE = "Everything is ready."
CHECK_SOME = "{n} things to put right."
CHECK_SOME_ONE = "One thing to put right."
CHECK_UNKNOWN = "Nothing to put right was found, but not everything could be asked."
CHECK_ALIVE = "It runs."
CHECK_DEAD = "Nothing runs on this data folder, or it hangs."
TIERS = ("Paper", "Tablet", "Scroll", "Opus")
STORE_UNSOUND = "The database is damaged: {why}."
BACKUP_DONE = "Saved {path}: {size}, jobs {jobs}, members {members}. The copy opens and its ledger adds up."
BACKUP_POSTGRES = (
    "DATABASE_URL names a PostgreSQL database, which its own tools save (pg_dump --format=custom) and bring back "
    "(pg_restore)."
)
MIGRATED = "Copied into PostgreSQL: jobs {jobs}, members {members}, rows {rows}. The ledger adds up there too."
MIGRATE_FULL = "The PostgreSQL database is in use already. Nothing was copied; name an empty one."
MIGRATE_URL = "DATABASE_URL does not name a PostgreSQL database, so there is nowhere to copy to."
MIGRATE_FAILED = "Nothing was copied: {why}."
BACKUP_FOLDER = "there is no folder {path}"
BACKUP_EXISTS = "{path} is there already and was left as it is. Choose another name."
BACKUP_FAILED = "No backup was written to {path}: {why}."
RESTORE_DONE = (
    "Restored {path}, last written {written}: jobs {jobs}, members {members}. Settings, words and blocks are as they "
    "were then; what was made and charged since is forgotten."
)
RESTORE_ENDED = (
    "{n} pictures were waiting or not shown yet then. They may have been shown since, so they are neither drawn nor "
    "shown again, and nothing is charged for them."
)
RESTORE_ENDED_ONE = (
    "1 picture was waiting or not shown yet then. It may have been shown since, so it is neither drawn nor shown "
    "again, and nothing is charged for it."
)
RESTORE_KEPT = "What was here is kept as {kept}; delete it when you no longer need it."
RESTORE_NEVER = "never"
RESTORE_MISSING = "There is no file {path}. Nothing was changed."
RESTORE_FOREIGN = "{path} is no backup of Naibot, or somebody changed it. Nothing was changed."
RESTORE_NEWER = "{path} was written by a newer Naibot. Install that version first. Nothing was changed."
RESTORE_FAILED = "{path} was not restored: {why}. Nothing was changed."
SHELL_READY = "READY naibot"
LOGIN_REFUSED = "Discord does not take DISCORD_TOKEN. Copy it anew from the developer portal."
LOGIN_INTENTS = (
    "Discord does not let the application read messages. Turn on Bot → Message Content Intent in the developer portal, "
    "or set MESSAGE_CONTENT=off."
)
SHELL_CLOSING = "Closing: nothing new is taken, and what was sent is waited for. A second signal stops at once."
SHELL_STOPPED = "Stopped."
FILE_UNREADABLE = "This file cannot be opened."
TRY_ADDRESS = "The practice room is open: {address}"
TRY_TYPE = (
    "Type a line such as  /generate prompt:1girl, cherry blossoms, smile  and press Enter; then  press Reroll . "
    "'as moderator' and 'in night-studio' change who speaks and where. Ctrl-D ends it."
)
TRY_UNANSWERED = "That was not answered in time."
TRY_GONE = "The practice room did not open. Its last words are above."

# --- lines that no client could send, and why -------------------------------------------------------------------------
SAY_VERB = "a line begins with /command, press, menu, fill or post"
SAY_NO_COMMAND = "there is no command /{name} here for this person"
SAY_SUBCOMMAND = "one of these must follow: {names}"
SAY_MISSING = "this is missing: {names}"
SAY_OPTION = "an option must stand here: {text}"
SAY_SWITCH = "{name} is true or false"
SAY_UNTYPED = "{name} cannot be typed here"
SAY_UNKNOWN = "{value} is not here; these are: {names}"
SAY_CHOICE = "{name} is one of: {names}"
SAY_LENGTH = "{name} has {low} to {high} characters"
SAY_NUMBER = "{name} is a number"
SAY_RANGE = "{name} goes from {low} to {high}"
SAY_FILE = "{path} cannot be read"
SAY_NO_FILE = "no message here has an attachment"
SAY_NO_BUTTON = "no message here shows a button {label}"
SAY_NO_FORM = "no form is open"
SAY_FIELD = "that is too long or too short for the field"
SAY_NOT_OFFERED = "{value} is not offered"
SAY_IMPOSSIBLE = "that cannot be done"

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ORDINALS = ("Next", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth")


class Moment(float):
    """A moment in unix seconds that writes itself as Discord's timestamp: ``{t:R}`` → ``<t:1700000000:R>``."""

    def __format__(self, style: str) -> str:
        return f"<t:{int(self)}:{style or 'f'}>"


class _Data(dict[str, object]):
    """Placeholders; a command such as ``{/generate}`` stands for itself where its id is not known."""

    def __missing__(self, key: str) -> str:
        if key.startswith("/"):
            return f"`{key}`"
        raise KeyError(key)


def say(key: str, data: Mapping[str, object] | None = None, /, **more: object) -> str:
    """The sentence of *key* (``price.confirm`` or ``PRICE_CONFIRM``) with its placeholders filled."""
    template = globals()[key.upper().replace(".", "_")]
    if not isinstance(template, str):
        raise KeyError(key)
    values = {**(data or {}), **more}
    return template.format_map(_Data(values))


def counted(key: str, n: int, /, **more: object) -> str:
    """The sentence of *key* for *n* things, in the singular where there is one of that form for one."""
    single = f"{key}.one"
    return say(single if n == 1 and has(single) else key, n=count(n), **more)


def has(key: str) -> bool:
    """Whether there is a sentence of that key."""
    return isinstance(globals().get(key.upper().replace(".", "_")), str)


def explain(code: str, data: Mapping[str, object], mentions: Mapping[str, str] | None = None) -> str:
    """
    The sentence of an error's code, its data written as people read them.

    *mentions* are Discord's own forms of our commands (``/config`` → ``</config:123>``), as far as they are known.
    """
    written = {**(mentions or {}), **{name: _write(name, value) for name, value in data.items()}}
    if "option" in data:
        label = OPTION_LABELS.get(str(data["option"]), str(data["option"]))
        written |= {"option": label, "Option": label[:1].upper() + label[1:]}
    if "setting" in data:
        written["Setting"] = SETTING_LABELS.get(str(data["setting"]), str(data["setting"]))
    if data.get("case") and has(f"{code}.case"):
        code = f"{code}.case"
    if code == "must.read" and not data.get("author"):
        code = "must.read.itself"
    if code == "option.model" and not data.get("models"):
        code = "option.model.none"
    return say(code, written)


def _write(name: str, value: object) -> object:
    match name, value:
        case ("t" | "reset" | "eta" | "until", float() | int()):
            return Moment(value)
        case ("reason", str()):
            return reason(value)
        case ("refusal", str()):
            return REFUSALS.get(value, value)
        case ("window", str()):
            return WINDOWS.get(value, value)
        case ("example", str()):
            return inline(value, 80)
        case ("word" | "tag" | "place" | "why", str()):
            return plain(cut(value, 100))
        case ("decision", str()):
            return decision(*value.rpartition(".")[::2])
        case ("price" | "old" | "new" | "most", int()):
            return anlas(value)
        case ("channel" | "other", int()):
            return f"<#{value}>"
        case ("channel", None):
            return DIRECT_MESSAGES
        case ("channels", tuple()):
            return listed(f"<#{channel}>" for channel in value[:5])
        case ("author" | "member" | "actor", 0 | None):
            return THE_BOT
        case ("author" | "member" | "actor", int()):
            return f"<@{value}>"
        case ("words", str()):
            return say("must.read.words", words=plain(cut(value, 300)).rstrip(".")) if value else ""
        case ("feature", str()):
            return OPTION_LABELS.get(value, value)
        case ("choices" | "models", tuple()):
            return listed(_choice(str(choice)) for choice in value)
        case (_, float()):
            return number(value)
        case _:
            return value


def _choice(value: str) -> str:
    return SAMPLERS.get(value) or NOISE_SCHEDULES.get(value) or UC_PRESETS.get(value) or value


def reason(text: object) -> str:
    """`` Reason: …`` behind a sentence, or nothing where none was given."""
    return say("blocked.reason", reason=plain(str(text)).rstrip(".")) if text else ""


def person(user_id: object) -> str:
    """Somebody as Discord draws them; the bot where it decided by itself."""
    return f"<@{user_id}>" if user_id else LOG_ME


def decision(kind: str, how: str) -> str:
    """How a case of that kind ended: ``rejected with a warning``."""
    return DECISIONS.get(f"{kind}.{how}") or DECISIONS.get(how, how)


def first_large(text: str) -> str:
    """*text* with a capital at its front."""
    return text[:1].upper() + text[1:]


def why(reason: str, data: Mapping[str, object]) -> str:
    """Why a case was opened, from its code and what is kept of it."""
    figures = {key: f"{value:.2f}" if isinstance(value, float) else value for key, value in data.items()}
    template = WHY.get(reason)
    try:
        return template.format_map(figures) if template is not None else plain(cut(reason, 60))
    except KeyError:
        return plain(cut(reason, 60))


THE_BOT = "I"
"""Who decided where nobody did: the bot, by the rules it was given."""

UNSET = (
    "channels",
    "approval",
    "approval_role",
    "moderator_role",
    "log_channel",
    "review_channel",
    "ping_role",
    "auto_inspect",
)
"""Settings that can be empty and are no limits."""


def measures(stated: Mapping[str, object]) -> str:
    """How much somebody may use: ``50 pictures a day, no limit Anlas a week``."""
    return listed(MEASURES[key].format(n=setting_value(key, value)) for key, value in stated.items())


def amounts(pictures: int, anlas: int) -> str:
    """``5 pictures and 30 Anlas``, without what there is none of."""
    parts = [
        counted("grant.pictures", pictures) if pictures else "",
        say("grant.anlas", n=count(anlas)) if anlas else "",
    ]
    return AND.join(part for part in parts if part)


def who(target: object) -> str:
    """A role or a member as ``role.5`` or ``member.5`` names them, as Discord draws them."""
    whose, _, id_ = str(target).partition(".")
    return f"<@&{id_}>" if whose == "role" else f"<@{id_}>"


def setting_value(key: str, value: object) -> str:
    """What a setting holds, as people read it; *value* may also be in its JSON form."""
    match value:
        case None | () | []:
            return NOT_SET if key in UNSET else NO_LIMIT
        case bool():
            return ON if value else OFF
        case str() if key == "model":
            return MODELS.get(value, value)
        case int() if key == "cooldown":
            return say("seconds", n=value)
        case int() if key in ("moderator_role", "approval_role", "ping_role"):
            return f"<@&{value}>"
        case int() if key in ("log_channel", "review_channel"):
            return f"<#{value}>"
        case tuple() | list():
            return listed(f"<#{channel}>" for channel in value)
        case {"width": width, "height": height}:
            return f"{width}×{height}"
        case int():
            return count(value)
        case _:
            return SPOILERS.get(str(value), str(value))


def price_part(kind: str, n: int, total: int) -> str:
    """One part of a price: ``1 × precise reference: 5 Anlas``."""
    return say("price.part", words=say(f"price.part.{kind}", n=n), price=anlas(total))


def bar(used: int, limit: int) -> str:
    """How much of a limit is used, in ten parts."""
    full = 10 if limit <= 0 else min(10, used * 10 // limit)
    return "▰" * full + "▱" * (10 - full)


def anlas(amount: int) -> str:
    """``free`` or ``30 Anlas``; Anlas has no plural."""
    return "free" if amount == 0 else f"{count(amount)} Anlas"


def count(n: int) -> str:
    """A count, with commas from 10,000."""
    return f"{n:,}" if abs(n) >= 10_000 else str(n)


def weight(n: int) -> str:
    """A number of bytes as people read it: ``12.3 GiB``."""
    for unit in ("B", "KiB", "MiB"):
        if n < 1_024:
            return f"{n:g} {unit}"
        n = round(n / 1_024, 1)  # type: ignore[assignment]
    return f"{n:g} GiB"


def number(value: float) -> str:
    """A number without needless zeros: 5, 5.5."""
    return f"{value:g}"


def ordinal(n: int) -> str:
    """Next, Second … Tenth, then 11th."""
    if n <= len(ORDINALS):
        return ORDINALS[n - 1]
    suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def listed(parts: Iterable[str]) -> str:
    """Parts with commas between them."""
    return ", ".join(parts)


def inspection_note(code: str, *, added: int, is_signed: bool) -> str:
    """A remark beside a verdict, with how many fields were *added* behind a signature."""
    if code == "disagree" and not is_signed:
        return NOTE_DISAGREE_UNSIGNED
    return counted("note.fields_added", added) if code == "fields_added" else say(f"note.{code}")


def not_carried(left_out: Mapping[str, int], *, model: str, size: object, price: int, limit: int = 100) -> str:
    """What a form cannot carry over, and what it will draw at what price, within *limit* characters."""
    parts = [_left_part(name, left_out[name]) for name in LEFT if name in left_out]
    cost = anlas(price)
    data = {"Price": cost[:1].upper() + cost[1:], "model": model, "size": size}
    if not parts:
        return say("use.all", data)
    for kept in range(len(parts), -1, -1):
        more = [say("use.more", n=len(parts) - kept)] if kept < len(parts) else []
        text = say("use.left", data, parts=listed([*parts[:kept], *more]))
        if len(text) <= limit:
            break
    return text


def _left_part(name: str, n: int) -> str:
    key = f"{name}.one" if n == 1 and f"{name}.one" in LEFT else name
    return LEFT[key].format(n=count(n))


def place(x: float | None, y: float | None) -> str:
    """Where a character stands: a field of V4's grid of five by five, or V5's free point; nothing where it is open."""
    if x is None or y is None:
        return ""
    if all(abs(side * 10 % 2 - 1) < 1e-6 for side in (x, y)):
        return f" at {'ABCDE'[int(x * 5)]}{int(y * 5) + 1}"
    return f" at {x * 100:.0f} %, {y * 100:.0f} %"


def megabytes(size: int) -> str:
    """A file size: ``1.4 MB``."""
    return f"{size / 1024**2:.1f} MB"


def moment(at: float) -> str:
    """A moment where no timestamp of Discord's is drawn: ``3 Dec 2026 14:02 UTC``."""
    then = datetime.fromtimestamp(at, UTC)
    return f"{then.day} {MONTHS[then.month - 1]} {then:%Y %H:%M} UTC"


# --- the practice room's page ----------------------------------------------------------------------------------------
PAGE_TITLE = "Practice room"
PAGE_BANNER = "A practice room. Discord and NovelAI are pretended; nothing leaves this computer."
PAGE_NOSCRIPT = "This practice room needs JavaScript. Without it, type lines into the terminal that opened it."
PAGE_YOU_ARE = "You are:"
PAGE_PERSON = "{name}, {role}"
PAGE_ROLES = {"member": "member", "member2": "member", "moderator": "moderator", "admin": "admin"}
PAGE_NOW = "You are {name} now."
PAGE_PLACES = "Places"
PAGE_DIRECT = "Direct message"
PAGE_ADULT = "18+"
PAGE_ADULT_LABEL = "age-restricted"
PAGE_SERVER_OF = "in {server}"
PAGE_TO_COMPOSER = "Skip to the message box"
PAGE_EMPTY = "Nothing has been said here yet."
PAGE_EMPTY_NEXT = "Type / to see what you may use, or press the first line under Try this."
PAGE_NEWEST = "Newest messages"

PAGE_AWAY = "The bot is not connected. It comes back by itself; what you send now does not arrive."
PAGE_LOST = "The room does not answer. Look into the terminal: naibot try may have ended."

PAGE_COMPOSER = "Message {place}"
PAGE_PLACEHOLDER = "Type / for a command"
PAGE_SEND = "Send"
PAGE_IMAGE = "Image"
PAGE_IMAGE_LABEL = "Image: post one here"
PAGE_REACTION = "Reaction {emoji}, {n}"
PAGE_KEYS = "Enter sends · Shift+Enter breaks the line · Alt+↑ ↓ changes the channel"
PAGE_COMMANDS = "Commands you may use here"
PAGE_NO_COMMANDS = "No command begins like that here, for {name}."
PAGE_OPTIONS_OF = "Options of {command}"
PAGE_MORE_OPTIONS = "+ options"
PAGE_MORE_OPTIONS_LABEL = "Add an option"
PAGE_CHOICES_OF = "Choices for {option}"
PAGE_REQUIRED = "needed"
PAGE_LEAVE = "Take {command} away"
PAGE_REMOVE = "Take {option} away"
PAGE_YES = "True"
PAGE_NO = "False"
PAGE_ASKING = "Asking the bot…"
PAGE_NO_ANSWER = "No answer."
PAGE_NOTHING_FITS = "Nothing fits. What you typed is sent as it is."
PAGE_NO_SUCH = "Nothing here is called that."
PAGE_RANGE = "{low} to {high}"
PAGE_NOT_SENT = "Not sent: {why}."
PAGE_ONLY_COMMANDS = "only commands are heard here, and a command begins with /"
PAGE_NO_COMMAND = "there is no command /{name} here for you"
PAGE_MISSING = "{name} is missing"
PAGE_FILE_BY_BUTTON = "a file is chosen with its button: pick the command from the list"
PAGE_NOT_POSSIBLE = "that is not there any more, or not for you"

PAGE_FILE_CHOOSE = "Choose a file"
PAGE_FILE_HINT = "or drop or paste it here"
PAGE_FILE_TAKING = "Taking {name}…"
PAGE_FILE_STILL = "{name} is still being taken. Send it in a moment."
PAGE_FILE_SURPLUS = "Not taken, because no more fit: {names}."
PAGE_FILE_LARGE = "{name} is larger than this room takes."
PAGE_FILE_REFUSED = "{name} was not taken."
PAGE_FILE_NOWHERE = "No option here takes a file. Choose a command that does, such as /inspect, or post it with Image."
PAGE_FILE_DOWNLOAD = "Download"
PAGE_FILE_DOWNLOAD_OF = "Download {name}"
PAGE_MEGABYTES = "{n} MB"
PAGE_KILOBYTES = "{n} KB"
PAGE_BYTES = "{n} bytes"

PAGE_USED = "{who} used {what}"
PAGE_PRESSED = "{who} pressed {what}"
PAGE_CHOSE = "{who} chose {what}"
PAGE_SENT = "{who} sent the form {what}"
PAGE_APP = "app"
PAGE_THINKING = "thinking…"
PAGE_EDITED = "(edited)"
PAGE_REPLY = "Answer to: {text}"
PAGE_REPLY_EMPTY = "a message"
PAGE_SENDING = "Waiting for the bot…"
PAGE_LAPSED = "The application did not respond"
PAGE_ONLY_YOU = "Only {name} can see this"
PAGE_DISMISS = "Dismiss"
PAGE_PICTURE_READY = "A picture has arrived: {alt}"
PAGE_GONE_NOW = "A message was deleted."
PAGE_LINK_OUT = "{label} (opens {url})"

PAGE_MENU = "Apps"
PAGE_MENU_OF = "Apps for this message"
PAGE_MENU_NONE = "No app does anything with this."

PAGE_SPOILER_SHOW = "Spoiler: show"
PAGE_PICTURE_OPEN = "Open the picture: {alt}"
PAGE_PICTURE_NO_ALT = "A picture without a description"
PAGE_PICTURE_ELSEWHERE = "A picture elsewhere, not loaded: {url}"
PAGE_VIEWER = "Picture"
PAGE_VIEWER_ORIGINAL = "Open original"
PAGE_CLOSE = "Close"

PAGE_SELECT = "Choose"
PAGE_SELECT_MANY = "Choose {low} to {high}, then press Enter or Done."
PAGE_SELECT_DONE = "Done"
PAGE_SELECT_NONE = "There is nothing to choose from here."
PAGE_SELECT_MOST = "No more than {n} can be chosen."

PAGE_FORM_SEND = "Submit"
PAGE_FORM_CANCEL = "Cancel"
PAGE_FORM_OPTIONAL = "may be left empty"
PAGE_FORM_COUNT = "{n} of {limit}"
PAGE_FORM_EMPTY = "This needs an answer."
PAGE_FORM_SHORT = "At least {n} characters."
PAGE_FORM_LONG = "At most {n} characters."
PAGE_FORM_FEW = "Choose at least {n}."
PAGE_FORM_MANY = "Choose at most {n}."
PAGE_FORM_UNSENT = "The form was not sent: {why}."

PAGE_TRY = "Try this"
PAGE_TRY_DONE = "done"
PAGE_TRY_STEPS = (
    "Draw a picture: press here, then Enter",
    "Press Reroll under the picture, then Delete",
    "Right-click a picture → Apps → Inspect image",
    "Have a picture held back. Then be Mia, the moderator, and approve it",
    "Make NovelAI fail, then ask for your quota: nothing was charged",
)
PAGE_TRY_FILLED = "It stands in the message box. Press Enter."
PAGE_TRY_KEPT = "Something of yours stands in the message box. Send it or take it away first."
PAGE_TRY_PRESS = "{label} has the focus. Press Enter, or click it."
PAGE_TRY_MENU = "The menu is open. {item} reads the picture."
PAGE_TRY_WAIT = "NovelAI fails three times before I give up. Wait for the answer, then press here again."
PAGE_TRY_FIRST = "That needs a picture. Draw one with the first line."

PAGE_BACKSTAGE = "Backstage"
PAGE_BACKSTAGE_HINT = "What nobody sees in a real server."
PAGE_QUEUE = "Queue"
PAGE_QUEUE_EMPTY = "Nothing waits."
PAGE_QUEUE_MORE = "… and more"
PAGE_QUEUE_JOB = "Job {id}"
PAGE_QUEUE_STATES = {
    "QUEUED": "waits",
    "RUNNING": "is being drawn",
    "SENT": "is with NovelAI",
    "HELD": "is held back",
    "DONE": "is done",
    "BLOCKED": "was not allowed",
    "FAILED": "did not work",
    "CANCELLED": "was taken back",
}
PAGE_QUEUE_DELIVERIES = {
    "NONE": "",
    "PENDING": "not shown yet",
    "SHOWN": "shown",
    "INBOX": "kept for later",
    "LAPSED": "came too late to be shown",
}
PAGE_FREE = "free"
PAGE_ANLAS = "{n} Anlas"
PAGE_LEDGER = "Ledger"
PAGE_LEDGER_HINT = "What the bot believes is on each account."
PAGE_LEDGER_EMPTY = "The bot has told nothing yet."
PAGE_BALANCE = "Pretend balance"
PAGE_BALANCE_HINT = "What the pretended NovelAI has on it."
PAGE_TIERS = {"0": "Paper", "1": "Tablet", "2": "Scroll", "3": "Opus"}
PAGE_CALLS = "Last calls to NovelAI"
PAGE_CALLS_EMPTY = "None yet."
PAGE_CALL_BILLED = "billed {n}"
PAGE_FAULTS = "Faults"
PAGE_FAULTS_HINT = "Switch one on, and NovelAI fails like that until you switch it off."
PAGE_FAULT_NAMES = {
    "400": "says the request is wrong",
    "401": "does not take the key",
    "402": "says the Anlas are used up",
    "403": "forbids it",
    "404": "does not know the address",
    "409": "says it is locked",
    "413": "says it is too large",
    "429": "says it is busy",
    "500": "breaks",
    "502": "has a broken gateway",
    "503": "is not available",
    "504": "does not answer its gateway",
    "badzip": "sends no archive",
    "billed503": "bills, then is not available",
    "billedhangup": "bills, then hangs up",
    "bomb": "sends an archive that unpacks to 300 MB",
    "cut": "hangs up halfway",
    "emptyzip": "sends an empty archive",
    "encoded": "packs its answer unasked",
    "endless": "never stops sending",
    "gzip": "sends little that unpacks to 64 MB",
    "html": "sends a web page",
    "hangup": "hangs up without a word",
    "lyinglength": "promises more than it sends",
    "slow": "takes eight seconds",
    "stall": "stops halfway and stays silent",
    "streamcut": "hangs up in the middle of a stream",
    "streamerror": "breaks in the middle of a stream",
    "streamhuge": "announces 4 GB in a stream",
    "streamnofinal": "ends a stream without the picture",
    "truncated": "sends half a picture",
}


# --- text that people wrote ------------------------------------------------------------------------------------------
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


def safe(text: str) -> str:
    """Without control, bidirectional, zero-width and blank characters; tabs and line breaks stay."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n"))


def cut(text: str, limit: int) -> str:
    """At most *limit* characters and a note of how many are missing; cut at a comma where one is near."""
    text = safe(text)
    if len(text) <= limit:
        return text
    head = text[:limit]
    comma = head.rfind(",", limit - limit // 5)
    head = head[:comma] if comma > 0 else head
    return f"{head.rstrip()}… +{len(text) - len(head)} characters"


def inline(text: str, limit: int = 160) -> str:
    """User text as inline code that nothing breaks out of; mentions in it are text."""
    flat = " ".join(cut(text, limit).replace("`", "ˋ").split())
    return f"`{flat or ' '}`"


def block(text: str, limit: int = 700) -> str:
    """User text in a fence; three backticks, which would close it, become as many that look like them."""
    fenced = re.sub("`{3,}", lambda run: "ˋ" * len(run[0]), cut(text, limit))
    return f"```\n{fenced or ' '}\n```"


def unmarked(text: str) -> str:
    """A sentence of ours for a file, without Discord's Markdown; mentions stay as ids."""
    return re.sub(r"\\(.)|[*`]", r"\1", text)


def hidden(text: str, limit: int = 700) -> str:
    """User text in a fence behind a spoiler; what would end the spoiler is taken apart."""
    bare = block(text, limit)
    return f"||{re.sub(r'[|]{2,}', lambda run: chr(0x200B).join(run[0]), bare)}||"


def plain(text: str) -> str:
    """User text in a sentence: Discord's Markdown and mentions in it are text."""
    return re.sub(r"([\\`*_~|>#\[\]()<@:-])", r"\\\1", " ".join(safe(text).split()))


def alt_text(prompt: str, *, hidden: bool) -> str:
    """What a screen reader says of a picture, at most 1,024 characters."""
    return ALT_HIDDEN if hidden else say("alt.picture", prompt=" ".join(safe(prompt)[:300].split()))
